"""What becomes of Alertmanager bodies: the valid ones field by field, the others error by error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.alert_ingest.bodies import REMOVE, alertmanager_body, changed, sample
from tests.unit.alert_ingest.conftest import Invoker

LONG = "x" * 5000


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
    "unknown top field": ({"notification_reason": {"new": 1}}, {}),
    "unknown alert field": ({"alerts__0__flavour": ["new"]}, {}),
    "no annotations": ({"alerts__0__annotations": REMOVE}, {"summary": "CheckoutHighErrorRate"}),
    "empty annotations": ({"alerts__0__annotations": {}}, {"annotations": {}}),
    "blank summary": (
        {"alerts__0__annotations__summary": "  "},
        {"summary": "CheckoutHighErrorRate"},
    ),
    "no endsAt": ({"alerts__0__endsAt": REMOVE}, {"ended_at": None}),
    "endsAt in the future while firing": (
        {"alerts__0__endsAt": "2026-11-23T15:20:00Z"},
        {"ended_at": None, "duration_seconds": None},
    ),
    "no receiver": ({"receiver": REMOVE}, {}),
    "no groupKey": ({"groupKey": REMOVE}, {}),
    "truncated": ({"truncatedAlerts": 7}, {}),
    "no generatorURL": ({"alerts__0__generatorURL": REMOVE}, {}),
    "generatorURL that is no web address": ({"alerts__0__generatorURL": "javascript:alert(1)"}, {}),
    "no severity": ({"alerts__0__labels__severity": REMOVE}, {"severity": "warning"}),
    "severity page": ({"alerts__0__labels__severity": "page"}, {"severity": "critical"}),
    "severity in capitals": ({"alerts__0__labels__severity": "CRITICAL"}, {"severity": "critical"}),
    "severity none": ({"alerts__0__labels__severity": "none"}, {"severity": "info"}),
    "severity unknown": ({"alerts__0__labels__severity": "purple"}, {"severity": "warning"}),
    "no runbook": ({"alerts__0__labels__runbook": REMOVE}, {"runbook": None}),
    "blank runbook": ({"alerts__0__labels__runbook": " "}, {"runbook": None}),
    "overlong runbook is not cut into another name": (
        {"alerts__0__labels__runbook": "r" * 129},
        {"runbook": None},
    ),
    "no cluster": (
        {"alerts__0__labels__cluster": REMOVE},
        {
            "target": {
                "cluster": None,
                "namespace": "apps",
                "kind": "deployment",
                "name": "checkout",
            }
        },
    ),
    "no deployment": (
        {"alerts__0__labels__deployment": REMOVE},
        {"target": {"cluster": "sre-platform", "namespace": "apps", "kind": None, "name": None}},
    ),
    "no namespace": (
        {"alerts__0__labels__namespace": REMOVE},
        {"target": {"cluster": "sre-platform", "namespace": None, "kind": None, "name": None}},
    ),
    "deployment that Kubernetes would not accept": (
        {"alerts__0__labels__deployment": "checkout; rm -rf /"},
        {"target": {"cluster": "sre-platform", "namespace": None, "kind": None, "name": None}},
    ),
    "namespace that climbs": (
        {"alerts__0__labels__namespace": "../kube-system"},
        {"target": {"cluster": "sre-platform", "namespace": None, "kind": None, "name": None}},
    ),
    "a deployment goes before a node": (
        {"alerts__0__labels__node": "ip-10-0-0-1.ec2.internal"},
        {
            "target": {
                "cluster": "sre-platform",
                "namespace": "apps",
                "kind": "deployment",
                "name": "checkout",
            }
        },
    ),
    "nanoseconds": (
        {"alerts__0__startsAt": "2026-11-23T15:14:52.704999999Z"},
        {"started_at": "2026-11-23T15:14:52.704Z"},
    ),
    "no fraction": (
        {"alerts__0__startsAt": "2026-11-23T15:14:52Z"},
        {"started_at": "2026-11-23T15:14:52.000Z"},
    ),
    "other time zone": (
        {"alerts__0__startsAt": "2026-11-23T16:14:52.704+01:00"},
        {"started_at": "2026-11-23T15:14:52.704Z"},
    ),
    "long summary": ({"alerts__0__annotations__summary": LONG}, {"summary": "x" * 494 + "…[cut]"}),
    "resolved without an end": (
        {"alerts__0__status": "resolved"},
        {"ended_at": None, "duration_seconds": None, "started_at": "2026-11-23T15:14:52.704Z"},
    ),
    "resolved before it started": (
        {"alerts__0__status": "resolved", "alerts__0__endsAt": "2026-11-23T15:14:00Z"},
        {"ended_at": "2026-11-23T15:14:00.000Z", "duration_seconds": None},
    ),
    "text in many scripts": (
        {"alerts__0__annotations__summary": "結帳 ошибка 🔥"},
        {"summary": "結帳 ошибка 🔥"},
    ),
    "half a character": ({"alerts__0__annotations__summary": "a\ud800b"}, {"summary": "a?b"}),
    "shell and markup stay text": (
        {"alerts__0__annotations__summary": "$(reboot) <script>'\"`"},
        {"summary": "$(reboot) <script>'\"`"},
    ),
    "empty label value": ({"alerts__0__labels__team": ""}, {}),
    "secret in a label": (
        {"alerts__0__labels": {"alertname": "A", "api_key": "hunter2"}},
        {"labels": {"alertname": "A", "api_key": "[redacted]"}},
    ),
    "secret in a link": (
        {"alerts__0__generatorURL": "https://bob:hunter2@prom/g?token=hunter2"},
        {},
    ),
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


MISSING = "is required but missing"
MOMENT = "must look like 2026-11-23T15:14:52.704Z"
IMPOSSIBLE = "is not a moment an alert can have started at"
ALERT = "/alerts/0"
# Each case: what is changed in the firing sample, and every error the answer must name.
INVALID: dict[str, tuple[dict[str, object], dict[str, str]]] = {
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
    "alert null": ({"alerts__0": None}, {ALERT: "must be object but is null"}),
    "alert a text": ({"alerts__0": "x"}, {ALERT: "must be object but is string"}),
    "alert true": ({"alerts__0": True}, {ALERT: "must be object but is boolean"}),
    "alert a list": ({"alerts__0": []}, {ALERT: "must be object but is array"}),
    "alert empty": (
        {"alerts__0": {}},
        {f"{ALERT}/{name}": MISSING for name in ("fingerprint", "labels", "startsAt", "status")},
    ),
    "no status": ({"alerts__0__status": REMOVE}, {f"{ALERT}/status": MISSING}),
    "status unknown": (
        {"alerts__0__status": "x"},
        {f"{ALERT}/status": "must be one of firing, resolved"},
    ),
    "no labels": ({"alerts__0__labels": REMOVE}, {f"{ALERT}/labels": MISSING}),
    "labels null": ({"alerts__0__labels": None}, {f"{ALERT}/labels": "must be object but is null"}),
    "labels a list": (
        {"alerts__0__labels": []},
        {f"{ALERT}/labels": "must be object but is array"},
    ),
    "no alertname": (
        {"alerts__0__labels__alertname": REMOVE},
        {f"{ALERT}/labels/alertname": MISSING},
    ),
    "blank alertname": (
        {"alerts__0__labels__alertname": " "},
        {f"{ALERT}/labels/alertname": "must not be blank"},
    ),
    "alertname a number": (
        {"alerts__0__labels__alertname": 7},
        {f"{ALERT}/labels/alertname": "must be string but is integer"},
    ),
    "label a number": (
        {"alerts__0__labels__n": 1.5},
        {f"{ALERT}/labels/n": "must be string but is number"},
    ),
    "label an object": (
        {"alerts__0__labels__n": {"password": "p"}},
        {f"{ALERT}/labels/n": "must be string but is object"},
    ),
    "label with a slash and a tilde": (
        {"alerts__0__labels": {"alertname": "A", "a/b~c": None}},
        {f"{ALERT}/labels/a~1b~0c": "must be string but is null"},
    ),
    "annotations null": (
        {"alerts__0__annotations": None},
        {f"{ALERT}/annotations": "must be object but is null"},
    ),
    "annotation false": (
        {"alerts__0__annotations__x": False},
        {f"{ALERT}/annotations/x": "must be string but is boolean"},
    ),
    "no startsAt": ({"alerts__0__startsAt": REMOVE}, {f"{ALERT}/startsAt": MISSING}),
    "startsAt a number": (
        {"alerts__0__startsAt": 1},
        {f"{ALERT}/startsAt": "must be string but is integer"},
    ),
    "startsAt prose": ({"alerts__0__startsAt": "yesterday"}, {f"{ALERT}/startsAt": MOMENT}),
    "startsAt without zone": (
        {"alerts__0__startsAt": "2026-11-23T15:14:52"},
        {f"{ALERT}/startsAt": MOMENT},
    ),
    "startsAt in month 13": (
        {"alerts__0__startsAt": "2026-13-23T15:14:52Z"},
        {f"{ALERT}/startsAt": IMPOSSIBLE},
    ),
    "startsAt on February 30th": (
        {"alerts__0__startsAt": "2026-02-30T00:00:00Z"},
        {f"{ALERT}/startsAt": IMPOSSIBLE},
    ),
    "startsAt never": (
        {"alerts__0__startsAt": "0001-01-01T00:00:00Z"},
        {f"{ALERT}/startsAt": IMPOSSIBLE},
    ),
    "startsAt before the calendar": (
        {"alerts__0__startsAt": "0001-01-01T00:00:00+23:00"},
        {f"{ALERT}/startsAt": IMPOSSIBLE},
    ),
    "startsAt with a line break": (
        {"alerts__0__startsAt": "2026-11-23T15:14:52Z\n"},
        {f"{ALERT}/startsAt": MOMENT},
    ),
    "endsAt prose": ({"alerts__0__endsAt": "soon"}, {f"{ALERT}/endsAt": MOMENT}),
    "no fingerprint": ({"alerts__0__fingerprint": REMOVE}, {f"{ALERT}/fingerprint": MISSING}),
    "fingerprint empty": (
        {"alerts__0__fingerprint": ""},
        {f"{ALERT}/fingerprint": "must not be blank"},
    ),
    "fingerprint too long": (
        {"alerts__0__fingerprint": "f" * 129},
        {f"{ALERT}/fingerprint": "must have at most 128 characters"},
    ),
    "generatorURL a number": (
        {"alerts__0__generatorURL": 1},
        {f"{ALERT}/generatorURL": "must be string but is integer"},
    ),
    "four things wrong": (
        {
            "alerts__0__status": 1,
            "alerts__0__labels__alertname": REMOVE,
            "alerts__0__startsAt": None,
            "alerts__0__fingerprint": [],
        },
        {
            f"{ALERT}/fingerprint": "must be string but is array",
            f"{ALERT}/labels/alertname": MISSING,
            f"{ALERT}/startsAt": "must be string but is null",
            f"{ALERT}/status": "must be one of firing, resolved",
        },
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
