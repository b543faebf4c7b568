"""What the function answers to the state machine: health and data in one call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.errors import InvalidRequest
from tests.unit.runbook_action.fakes import World
from tests.unit.runbook_action.invocations import Context, FakeContainer, event
from tests.unit.runbook_action.prometheus.canned import LABELS, Canned, active, matrix, rules

WANTED = {"promql": "errors", "is": "below 0.05"}


@pytest.fixture
def canned(world: World, monkeypatch: pytest.MonkeyPatch) -> Canned:
    found = Canned({"/api/v1/query_range": matrix(({}, [0.0] * 31))})
    container = FakeContainer(world)
    services = replace(world.services, prometheus=found.reader)
    monkeypatch.setattr(container, "services", lambda *_: services)
    monkeypatch.setattr(module, "container", lambda: container)
    return found


def verified(**changes: Any) -> dict[str, Any]:
    call = event(operation="verify", action="restart_workload", **changes)
    answer: dict[str, Any] = module.handler(call, Context())
    return answer


def test_what_the_data_say_stands_beside_the_health_and_in_the_summary(canned: Canned) -> None:
    answer = verified(verify=WANTED)
    assert answer["healthy"] is True
    assert answer["recovery"] == {
        "state": "recovered",
        "by": "promql",
        "text": "Prometheus: the query has been below 0.05 for 60 seconds, now 0",
        "since": "2026-11-23T15:13:52.000Z",
    }
    assert answer["summary"].endswith(f". {answer['recovery']['text']}.")
    assert ".." not in answer["summary"]


def test_of_a_sick_target_the_data_are_not_asked(canned: Canned, world: World) -> None:
    world.cluster.raw["status"]["readyReplicas"] = 0
    assert verified(verify=WANTED)["recovery"] is None
    assert canned.asked == []


def test_without_a_prometheus_the_answer_is_as_it_was(world: World) -> None:
    assert verified()["recovery"] is None


def test_a_broken_criterion_is_no_request(world: World) -> None:
    for broken in ({"promql": "errors"}, {"promql": "a > 1", "is": "below 1"}, {"x": 1}, "errors"):
        with pytest.raises(InvalidRequest, match="verify"):
            verified(verify=broken)


def test_resolve_looks_for_the_rule_of_the_alert_while_it_fires(canned: Canned) -> None:
    canned.answers["/api/v1/rules"] = rules(active())
    runbook = {
        "name": "R",
        "action": "restart_workload",
        "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
        "on_failure": "keep",
    }
    alert = {"alert_name": LABELS["alertname"], "labels": LABELS, "sender": "alertmanager"}
    call = {"operation": "resolve", "runbook": runbook, "alert": alert}
    answer = module.handler({**call, "incident_id": event()["incident_id"]}, Context())
    assert answer["own_alert"]["labels"] == LABELS
    again = verified(own_alert=answer["own_alert"])
    assert again["recovery"]["state"] == "not-recovered"
    assert again["recovery"]["text"] == "Prometheus: the rule of the alert is firing"
