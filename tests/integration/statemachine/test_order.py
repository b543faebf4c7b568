"""Whatever the order and number of its events, an incident ends in one record.

EventBridge delivers at least once and in no order; Alertmanager repeats, sends in pairs, and sends
resolutions again. Hypothesis draws such deliveries, and the real recorder and the real runbook take
them; the record must be that of the same events in order, each once.
"""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.statemachine.platform import (
    Platform,
    action_completed,
    incident,
    resolution,
    wait_for,
)

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(280)]

FIRING, RESOLVED, ACTION = "firing", "resolved", "action"
#: Incidents that live through their deliveries side by side, in each example.
INCIDENTS = 5
#: What a record says of the way to its end: who came first, which of several runs had the claim,
#: and whether (and so with what in hand) the alert had ended before a runbook looked. Everything
#: else is the same in the end.
OF_THE_WAY = {
    "findings",
    "begun",
    "begun_at",
    "begun_step",
    "runbook_execution",
    "verified_at",
    "target_health",
    "escalated_at",
    "escalation_reason",
    "escalation_code",
    "escalation_severity",
    "actions_taken",
    "action_ids",
    "expires_at",
    "received_at",
    "correlation_id",
    "in_hand",
}


#: When the next event comes: at once, when this one is recorded, or when all has come to rest.
PAUSES = ("none", "recorded", "rest")


@dataclass(frozen=True)
class Delivery:
    """One event, and how long the next one takes to come."""

    kind: str
    pause: str


def deliveries() -> st.SearchStrategy[list[Delivery]]:
    """One firing at least, and what else there may be of the same incident, in any order."""
    more = st.lists(st.sampled_from((FIRING, RESOLVED, ACTION)), max_size=5)
    kinds = more.map(lambda others: [FIRING, *others]).flatmap(st.permutations)
    return kinds.flatmap(
        lambda order: st.tuples(
            *(st.builds(Delivery, st.just(kind), st.sampled_from(PAUSES)) for kind in order)
        ).map(list)
    )


@dataclass
class Incident:
    """An incident of its own, with the events that there are about it."""

    platform: Platform
    runbook_machine: str

    def __post_init__(self) -> None:
        name = self.platform.runbook(on_failure="keep")
        firing = incident(name, summary="the same for all")
        self.id = str(firing["detail"]["data"]["incident_id"])
        self.events = {
            FIRING: firing,
            RESOLVED: resolution(firing),
            ACTION: action_completed(firing, action_id=f"{self.id}:earlier"),
        }

    def live_through(self, order: Sequence[Delivery]) -> dict[str, Any]:
        """Deliver events in this order, wait for all that they started, return the record."""
        started: list[str] = []
        for delivery in order:
            event = self._delivered(delivery.kind)
            mine = [self.platform.start(event, self.platform.recorder_variant)]
            if delivery.kind == FIRING:
                mine.append(self.platform.start(event, self.runbook_machine))
            started += mine
            for execution in {"none": [], "recorded": mine[:1], "rest": started}[delivery.pause]:
                self.platform.wait_ended(execution)
        for execution in started:
            assert self.platform.wait_ended(execution)["status"] == "SUCCEEDED"
        acted = self.platform.calls(self.id, "execute")
        if acted:
            wait_for(lambda: f"{self.id}:1:execute" in self._recorded(), "the action on record")
        assert len(acted) <= 1
        recorded = Counter(self._recorded())
        assert recorded == Counter({*recorded}), "an action is on record twice"
        assert (f"{self.id}:earlier" in recorded) == (ACTION in {each.kind for each in order})
        return self.platform.record(self.id)

    def _delivered(self, kind: str) -> dict[str, Any]:
        # A repetition is the same alert in another request.
        event = copy.deepcopy(self.events[kind])
        event["detail"]["metadata"]["correlation_id"] = str(uuid.uuid4())
        return event

    def _recorded(self) -> list[str]:
        (record,) = self.platform.records(self.id)
        return [action["action_id"] for action in record.get("actions_taken", [])]


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on the order, the incident's own names set aside."""
    facts = {key: value for key, value in record.items() if key not in OF_THE_WAY}
    del facts["incident_id"], facts["runbook"]
    return facts


@pytest.fixture(scope="module")
def quick_runbook(platform: Platform) -> str:
    return platform.variant(VerifyTimeoutSeconds="1")


@pytest.fixture(scope="module")
def in_order(platform: Platform, quick_runbook: str) -> dict[frozenset[str], dict[str, Any]]:
    """The record of each set of events, delivered once and in order."""
    found = {}
    for kinds in ((FIRING,), (FIRING, RESOLVED), (FIRING, ACTION), (FIRING, ACTION, RESOLVED)):
        order = [Delivery(kind, "recorded") for kind in kinds]
        found[frozenset(kinds)] = comparable(Incident(platform, quick_runbook).live_through(order))
    return found


def test_in_order_an_incident_ends_as_its_alert_does(
    in_order: dict[frozenset[str], dict[str, Any]],
) -> None:
    for kinds, record in in_order.items():
        assert record["status"] == ("resolved" if RESOLVED in kinds else "escalated")
        assert record.get("mttr_seconds") == (90 if RESOLVED in kinds else None)
        assert record["timestamp"] == "2026-11-23T15:14:52.704Z"
        assert record["summary"] == "the same for all"


@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    phases=(Phase.generate,),  # to shrink a race would take hours
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(orders=st.lists(deliveries(), min_size=INCIDENTS, max_size=INCIDENTS))
def test_any_order_ends_in_the_record_that_the_order_of_things_gives(
    platform: Platform,
    quick_runbook: str,
    in_order: dict[frozenset[str], dict[str, Any]],
    orders: list[list[Delivery]],
) -> None:
    with ThreadPoolExecutor(INCIDENTS) as pool:
        records = list(
            pool.map(lambda order: Incident(platform, quick_runbook).live_through(order), orders)
        )
    for order, record in zip(orders, records, strict=True):
        expected = in_order[frozenset(each.kind for each in order)]
        assert comparable(record) == expected, order


def test_resolved_before_firing_ends_resolved_without_a_remediation(
    platform: Platform, quick_runbook: str
) -> None:
    one = Incident(platform, quick_runbook)
    order = [Delivery(kind, "recorded") for kind in (RESOLVED, FIRING, FIRING)]
    assert one.live_through(order)["status"] == "resolved"
    assert platform.calls(one.id, "execute") == []
