"""What becomes of Alertmanager bodies: the valid ones field by field, the others error by error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.alert_ingest import group_cases
from tests.unit.alert_ingest.bodies import REMOVE, alertmanager_body, changed, sample
from tests.unit.alert_ingest.group_cases import MISSING
from tests.unit.alert_ingest.invoking import Invoker


def data_of(invoke: Invoker, body: object) -> dict[str, Any]:
    status, answer = invoke.body(body)
    assert (status, answer["rejected"]) == (202, [])
    (detail,) = invoke.bus.details
    data: dict[str, Any] = detail["data"]
    assert answer["incident_ids"] == [data["incident_id"]]
    return data


def test_a_firing_alert_becomes_incident_created(invoke: Invoker) -> None:
    data = data_of(invoke, sample("alertmanager/firing"))
    assert data["timestamp"] == data["started_at"] == "2026-11-23T15:14:52.704Z"
    assert data["ended_at"] is None
    assert data["duration_seconds"] is None
    assert data["sender"] == "alertmanager"
    assert data["alert_name"] == "CheckoutHighErrorRate"
    assert data["severity"] == "critical"
    assert data["status"] == "firing"
    assert data["runbook"] == "CheckoutHighErrorRate"
    assert data["summary"] == "checkout error ratio 9.991%"
    assert data["labels"]["service"] == "checkout"
    assert data["annotations"]["summary"] == "checkout error ratio 9.991%"
    assert set(data["links"]) == {"generator", "alertmanager", "runbook"}
    assert data["target"] == {
        "cluster": "sre-platform",
        "namespace": "apps",
        "kind": "deployment",
        "name": "checkout",
    }
    entry = invoke.bus.taken[0]
    assert entry["Source"] == "sre.alertmanager"
    assert entry["DetailType"] == "incident.created"
    assert entry["EventBusName"] == "sre-platform-events"


def test_a_resolved_alert_becomes_incident_resolved_of_the_same_incident(invoke: Invoker) -> None:
    invoke.body(sample("alertmanager/firing"))
    invoke.body(sample("alertmanager/resolved"))
    fired, resolved = (detail["data"] for detail in invoke.bus.details)
    assert resolved["incident_id"] == fired["incident_id"]
    assert resolved["timestamp"] == fired["timestamp"]
    assert resolved["ended_at"] == "2026-11-23T15:15:34.704Z"
    assert resolved["duration_seconds"] == 42
    assert invoke.bus.taken[1]["DetailType"] == "incident.resolved"
    assert invoke.bus.details[1]["metadata"]["alert_event"] == "AlertResolved"
    assert invoke.bus.details[1]["metadata"]["occurred_at"] == "2026-11-23T15:15:34.704Z"


def test_a_mixed_group_gives_each_alert_its_own_event(invoke: Invoker) -> None:
    status, answer = invoke.body(sample("alertmanager/group-mixed"))
    assert (status, answer["accepted"]) == (202, 2)
    kinds = [entry["DetailType"] for entry in invoke.bus.taken]
    assert kinds == ["incident.resolved", "incident.created"]


def test_a_replayed_resolution_names_the_incident_it_had_before(invoke: Invoker) -> None:
    invoke.body(sample("alertmanager/group-mixed"))
    invoke.body(sample("alertmanager/stale-resolved-replay"))
    first, second, third, fourth = (detail["data"]["incident_id"] for detail in invoke.bus.details)
    assert fourth == second
    assert third != first  # the same fingerprint fires again: another start, another incident


# Each case: what is changed in the firing sample, and what of `data` must then hold.
VALID: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    **group_cases.VALID,
    "unknown top field": ({"notification_reason": {"new": 1}}, {}),
    "no receiver": ({"receiver": REMOVE}, {}),
    "no groupKey": ({"groupKey": REMOVE}, {}),
    "truncated": ({"truncatedAlerts": 7}, {}),
}


@pytest.mark.parametrize(("changes", "expected"), VALID.values(), ids=VALID.keys())
def test_a_valid_body_is_accepted(
    invoke: Invoker, changes: dict[str, object], expected: dict[str, object]
) -> None:
    data = data_of(invoke, alertmanager_body(**changes))
    assert {key: data[key] for key in expected} == expected
    assert "hunter2" not in json.dumps(data)


def test_only_web_addresses_become_links(invoke: Invoker) -> None:
    data = data_of(invoke, alertmanager_body(alerts__0__generatorURL="javascript:alert(1)"))
    assert set(data["links"]) == {"alertmanager", "runbook"}


# Each case: what is changed in the firing sample, and every error the answer must name.
INVALID: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    **group_cases.INVALID,
    "no version": ({"version": REMOVE}, {"/version": MISSING}),
    "version 3": ({"version": "3"}, {"/version": "must be one of 4"}),
    "version as number": ({"version": 4}, {"/version": "must be one of 4"}),
    "empty alerts": ({"alerts": []}, {"/alerts": "must have at least 1 item"}),
    "alerts null": ({"alerts": None}, {"/alerts": "must be array but is null"}),
    "alerts an object": ({"alerts": {}}, {"/alerts": "must be array but is object"}),
    "alerts a text": ({"alerts": "many"}, {"/alerts": "must be array but is string"}),
    "two things wrong at the top": (
        {"version": "3", "alerts": 1},
        {"/alerts": "must be array but is integer", "/version": "must be one of 4"},
    ),
    "group status unknown": ({"status": "burning"}, {"/status": "must be one of firing, resolved"}),
    "truncatedAlerts negative": (
        {"truncatedAlerts": -1},
        {"/truncatedAlerts": "must satisfy minimum 0"},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_body_is_refused_with_every_error(
    invoke: Invoker, changes: dict[str, object], expected: dict[str, str]
) -> None:
    status, answer = invoke.body(alertmanager_body(**changes))
    assert status == 400
    assert {error["pointer"]: error["message"] for error in answer["errors"]} == expected
    assert len(answer["errors"]) == len(expected)
    assert invoke.bus.batches == []
    warnings = [record for record in invoke.messages() if record["level"] == "WARNING"]
    assert [warning["errors"] for warning in warnings] == [answer["errors"]]


def test_one_bad_alert_among_fifty_does_not_cost_the_others(invoke: Invoker) -> None:
    status, answer = invoke.body(alertmanager_body(50, alerts__7__startsAt=REMOVE))
    assert (status, answer["accepted"], len(answer["incident_ids"])) == (202, 49, 49)
    assert answer["rejected"] == [
        {
            "pointer": "/alerts/7",
            "errors": [{"pointer": "/alerts/7/startsAt", "message": MISSING}],
        }
    ]
    assert len(invoke.bus.taken) == 49
    (warning,) = (record for record in invoke.messages() if record["level"] == "WARNING")
    assert warning["rejected"] == answer["rejected"]


def test_the_same_alert_twice_in_a_body_is_one_event(invoke: Invoker) -> None:
    body = alertmanager_body(3, alerts__1__fingerprint=f"{2:016x}")
    status, answer = invoke.body(body)
    assert (status, answer["accepted"], len(invoke.bus.taken)) == (202, 2, 2)


def test_firing_and_resolved_of_one_incident_in_a_body_are_two_events(invoke: Invoker) -> None:
    body = sample("alertmanager/firing")
    body["alerts"] += sample("alertmanager/resolved")["alerts"]
    status, answer = invoke.body(body)
    assert (status, answer["accepted"], len(answer["incident_ids"])) == (202, 2, 1)
    assert [entry["DetailType"] for entry in invoke.bus.taken] == [
        "incident.created",
        "incident.resolved",
    ]


def test_the_same_moment_in_another_time_zone_is_the_same_incident(invoke: Invoker) -> None:
    invoke.body(alertmanager_body())
    invoke.body(alertmanager_body(alerts__0__startsAt="2026-11-23T16:14:52.704+01:00"))
    first, second = (detail["data"]["incident_id"] for detail in invoke.bus.details)
    assert first == second


def test_fingerprint_and_start_each_make_another_incident(invoke: Invoker) -> None:
    base = alertmanager_body()
    for body in (
        base,
        changed(base, alerts__0__fingerprint="another"),
        changed(base, alerts__0__startsAt="2026-11-23T15:14:52.705Z"),
    ):
        invoke.body(body)
    assert len({detail["data"]["incident_id"] for detail in invoke.bus.details}) == 3
