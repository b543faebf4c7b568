"""What a body and a sender may bring onto the bus, and what becomes of the rest."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alert_ingest.allowance import Allowance, Split
from alert_ingest.errors import ChannelUnavailable
from alert_ingest.firings import Firings
from alert_ingest.model import Alert, Target
from tests.unit.alert_ingest.bodies import alertmanager_body
from tests.unit.alert_ingest.invoking import Invoker
from tests.unit.alert_ingest.remembering import InMemory

NOW = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)


class Counted:
    """Counts in memory; an `alert_ingest.allowance.Counter`."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], list[int]] = {}
        self.broken = False

    def count(self, key_id: str, hour: int, critical: int, other: int) -> tuple[int, int]:
        if self.broken:
            raise ChannelUnavailable("UpdateItem failed with ReadTimeoutError")
        row = self.rows.setdefault((key_id, hour), [0, 0])
        row[0] += critical
        row[1] += other
        return row[0], row[1]


def alerts(critical: int, other: int) -> list[Alert]:
    severities = ["warning"] * other + ["critical"] * critical
    return [
        Alert(
            sender="alertmanager",
            incident_id=f"{number}",
            alert_key=f"{number}",
            fingerprint=f"{number}",
            alert_name="Down",
            severity="critical" if severity == "critical" else "warning",
            status="firing",
            started_at=NOW,
            ended_at=None,
            occurred_at=NOW,
            runbook=None,
            summary="",
            labels={},
            annotations={},
            links={},
            target=Target(),
        )
        for number, severity in enumerate(severities)
    ]


def allowance(counter: Counted | None = None, **changes: Any) -> Allowance:
    made = Allowance(counter, per_body=100, per_hour=10, critical_percent=40)
    return dataclasses.replace(made, **changes)


def kinds(found: Sequence[Alert]) -> tuple[int, int]:
    critical = sum(alert.severity == "critical" for alert in found)
    return critical, len(found) - critical


def test_what_fits_is_taken_in_its_order() -> None:
    body = alerts(2, 3)
    split = allowance(Counted()).split(body, "key", NOW)
    assert (split.taken, split.left, split.why) == (tuple(body), (), ())


def test_of_a_body_that_is_too_large_the_critical_ones_are_taken_first() -> None:
    body = alerts(3, 9)
    split = allowance(per_body=5, anywhere=lambda _: 8).split(body, "key", NOW)
    assert [alert.incident_id for alert in split.taken] == ["9", "10", "11", "8", "0"]
    assert sorted(int(alert.incident_id) for alert in split.left) == [1, 2, 3, 4, 5, 6, 7]
    assert split.why == ("the body has 12 alerts, and 5 of a body are taken (MaxAlertsPerBody)",)


def test_a_body_that_comes_again_has_another_part_taken() -> None:
    body = alerts(0, 50)
    starts = iter(range(0, 50, 5))
    of_bodies = allowance(per_body=5, anywhere=lambda _: next(starts))
    seen = {a.incident_id for _ in range(10) for a in of_bodies.split(body, "key", NOW).taken}
    assert len(seen) == 50


def test_an_hour_of_a_key_has_an_end_and_critical_alerts_a_part_of_it() -> None:
    counter = Counted()
    of_hours = allowance(counter)
    assert kinds(of_hours.split(alerts(0, 100), "key", NOW).taken) == (0, 6)
    split = of_hours.split(alerts(6, 1), "key", NOW)
    assert (kinds(split.taken), kinds(split.left)) == ((4, 0), (2, 1))
    assert "10 alerts of this hour, of which 4 are for critical ones" in split.why[0]
    # Neither another key nor the next hour has sent anything.
    assert kinds(of_hours.split(alerts(1, 1), "other", NOW).taken) == (1, 1)
    assert kinds(of_hours.split(alerts(1, 1), "key", NOW.replace(hour=13)).taken) == (1, 1)


@pytest.mark.parametrize("seed", range(5))
def test_no_order_of_bodies_brings_more_than_the_hour_has(seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - orders of bodies, not secrets
    of_hours = allowance(Counted(), per_hour=40, critical_percent=25)
    taken = [0, 0]
    sent_critical = 0
    for _ in range(30):
        critical = drawn.randrange(4)
        found = kinds(of_hours.split(alerts(critical, drawn.randrange(6)), "key", NOW).taken)
        sent_critical += critical
        taken = [taken[0] + found[0], taken[1] + found[1]]
        assert taken[0] >= min(sent_critical, 10), "kept for critical ones"
    assert sum(taken) == 40
    assert taken[1] <= 30


def test_what_cannot_be_counted_is_taken() -> None:
    counter = Counted()
    counter.broken = True
    assert kinds(allowance(counter).split(alerts(20, 30), "key", NOW).taken) == (20, 30)
    assert kinds(allowance().split(alerts(20, 30), "key", NOW).taken) == (20, 30)


def test_what_is_too_much_is_parked_and_the_answer_says_what_to_change(
    invoke: Invoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoke.module, "allowance", allowance(per_body=3))
    status, answer = invoke.body(alertmanager_body(8))
    assert (status, answer["accepted"], answer["parked"]) == (202, 8, 5)
    assert len(set(answer["incident_ids"])) == 8
    assert (len(invoke.bus.taken), len(invoke.parking.taken)) == (3, 5)
    for name in ("MaxAlertsPerBody", "max_alerts", "Max Alerts", "srectl dlq redrive parked"):
        assert name in answer["message"]
    logged = invoke.messages()
    assert [each["reason"] for each in logged if each["message"] == "sender at its limit"] == [
        answer["message"]
    ]
    assert not [each for each in logged if each["message"] == "alerts received"]


def test_of_more_critical_alerts_than_a_body_may_have_others_are_taken_each_time() -> None:
    body = alerts(5, 2)
    places = iter([0, 0, 3, 0])
    turned = allowance(per_body=3, anywhere=lambda _: next(places))
    taken = [{alert.incident_id for alert in turned.split(body, "k", NOW).taken} for _ in "12"]
    assert taken == [{"2", "3", "4"}, {"5", "6", "2"}]


def test_an_end_that_waits_is_noted_so_that_the_next_firing_is_no_repetition() -> None:
    memory = InMemory()
    firings = Firings(memory, timedelta(days=1))
    first = alerts(0, 2)
    for alert in first:
        alert.incident_id = f"incident-{alert.alert_key}"
    firings.settle(first, NOW)
    (end, late) = (dataclasses.replace(alert) for alert in first)
    end.status, end.ended_at = "resolved", NOW + timedelta(minutes=9)
    late.incident_id = "another"
    (over, waits) = Split((), (end, late)).settled(firings, NOW + timedelta(minutes=10))
    assert (over.incident_id, waits.incident_id) == ("incident-0", "another")
    assert memory.rows["0"].ended == end.ended_at
    assert memory.rows["1"].ended is None


def test_an_end_that_could_not_be_noted_is_published_and_asked_for_again(
    invoke: Invoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = InMemory()
    monkeypatch.setattr(invoke.module, "firings", Firings(memory, timedelta(days=1)))
    fires = alertmanager_body(1)
    over = {**fires, "alerts": [{**each, "status": "resolved"} for each in fires["alerts"]]}
    assert invoke.body(fires)[0] == 202
    memory.down = True
    assert invoke.body(fires)[0] == 202
    assert invoke.body(over)[0] == 503
    assert invoke.bus.details[-1]["data"]["status"] == "resolved"
    memory.down = False
    assert invoke.body(over)[0] == 202


def test_what_cannot_even_be_parked_has_to_be_sent_again(
    invoke: Invoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoke.module, "allowance", allowance(per_body=3))
    invoke.parking.broken = ChannelUnavailable("SendMessageBatch failed with ReadTimeoutError")
    assert invoke.body(alertmanager_body(8))[0] == 503
