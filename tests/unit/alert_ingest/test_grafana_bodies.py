"""What becomes of Grafana's bodies: the valid ones field by field, the others error by error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_ingest.senders import SENDERS
from tests.unit.alert_ingest import group_cases
from tests.unit.alert_ingest.bodies import REMOVE, changed, group_body, sample
from tests.unit.alert_ingest.group_cases import ALERT, MISSING
from tests.unit.alert_ingest.invoking import Invoker, data_of

CHECKOUT = {
    "cluster": "sre-platform",
    "namespace": "apps",
    "kind": "deployment",
    "name": "checkout",
}
RULE = "Grafana rule CheckoutHighErrorRate"


def notes_of(invoke: Invoker) -> list[str]:
    return [note for record in invoke.messages() for note in record.get("notes", [])]


def test_a_firing_rule_becomes_incident_created(invoke: Invoker) -> None:
    data = data_of(invoke, sample("grafana/firing"))
    assert data["timestamp"] == data["started_at"] == "2026-11-23T15:14:50.000Z"
    assert data["ended_at"] is None
    assert data["duration_seconds"] is None
    assert data["sender"] == "grafana"
    assert data["alert_name"] == "CheckoutHighErrorRate"
    assert data["severity"] == "critical"
    assert data["status"] == "firing"
    assert data["runbook"] == "CheckoutHighErrorRate"
    assert data["summary"] == "checkout error ratio 9.99%"
    assert data["fingerprint"] == "5c0b1d0f5e0a7c31"
    assert data["labels"]["grafana_folder"] == "Checkout"
    assert data["annotations"]["values"] == "A=0.0999, C=1"
    assert data["target"] == CHECKOUT
    assert set(data["links"]) == {
        *("generator", "dashboard", "panel", "silence", "grafana", "runbook")
    }
    entry = invoke.bus.taken[0]
    assert entry["Source"] == "sre.grafana"
    assert entry["DetailType"] == "incident.created"


def test_the_same_firing_repeated_is_one_incident_and_its_resolution_finds_it(
    invoke: Invoker,
) -> None:
    fired = data_of(invoke, sample("grafana/firing"))
    # A repetition evaluates the rule again: other values and text, the same firing.
    repeated = data_of(
        invoke,
        changed(
            sample("grafana/firing"),
            alerts__0__values={"A": 0.2, "C": 1},
            alerts__0__annotations__summary="checkout error ratio 20%",
        ),
    )
    resolved = data_of(invoke, sample("grafana/resolved"))
    assert {repeated["incident_id"], resolved["incident_id"]} == {fired["incident_id"]}
    assert resolved["timestamp"] == fired["timestamp"]
    assert resolved["ended_at"] == "2026-11-23T15:19:50.000Z"
    assert resolved["duration_seconds"] == 300
    created, again, ended = (detail["metadata"] for detail in invoke.bus.details)
    assert created["event_id"] == again["event_id"] != ended["event_id"]
    assert invoke.bus.taken[2]["DetailType"] == "incident.resolved"


def test_organisation_fingerprint_and_start_each_make_another_incident(invoke: Invoker) -> None:
    bodies = (
        sample("grafana/firing"),
        changed(sample("grafana/firing"), orgId=2),
        changed(sample("grafana/firing"), alerts__0__fingerprint="another"),
        changed(sample("grafana/firing"), alerts__0__startsAt="2026-11-23T15:24:50Z"),
    )
    assert len({data_of(invoke, body)["incident_id"] for body in bodies}) == 4


def test_grafana_and_alertmanager_never_share_an_incident(invoke: Invoker) -> None:
    body = sample("grafana/firing")
    data_of(invoke, body)
    data_of(invoke, changed(body, version="4", orgId=REMOVE))
    first, second = (detail["data"] for detail in invoke.bus.details)
    assert (first["sender"], second["sender"]) == ("grafana", "alertmanager")
    assert first["incident_id"] != second["incident_id"]


def test_a_mixed_group_gives_each_alert_its_own_event(invoke: Invoker) -> None:
    status, answer = invoke.body(sample("grafana/group-mixed"))
    assert (status, answer["accepted"], len(answer["incident_ids"])) == (202, 2, 2)
    kinds = [entry["DetailType"] for entry in invoke.bus.taken]
    assert kinds == ["incident.resolved", "incident.created"]


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("datasource-error", f"{RULE} could not be evaluated: failed to execute query [A]: Post"),
        ("datasource-no-data", f"{RULE} got no data."),
    ],
)
def test_a_rule_that_sees_nothing_repairs_nothing(invoke: Invoker, name: str, summary: str) -> None:
    """The data source is ill, not the service: neither label nor name selects its runbook."""
    data = data_of(invoke, sample(f"grafana/{name}"))
    assert data["runbook"] is None
    assert data["alert_name"] in {"DatasourceError", "DatasourceNoData"}
    assert data["labels"]["rulename"] == "CheckoutHighErrorRate"
    assert data["summary"].startswith(summary)
    assert data["severity"] == "critical"
    assert data["target"] == CHECKOUT
    (note,) = notes_of(invoke)
    assert note.endswith("runbook CheckoutHighErrorRate is not for that")


@pytest.mark.parametrize("body", ["alertmanager/firing", "grafana/firing"])
@given(extra=st.dictionaries(st.sampled_from(["orgId", "version"]), st.integers() | st.text("14")))
def test_a_list_of_alerts_is_of_exactly_one_sender(body: str, extra: dict[str, object]) -> None:
    mixed = {**sample(body), **extra}
    assert [sender.recognises(mixed) for sender in SENDERS].count(True) == 1
    assert [sender.name for sender in SENDERS if sender.recognises(sample(body))] == [
        body.partition("/")[0]
    ]


# Each case: what is changed in the firing sample, and what of `data` must then hold.
VALID: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    **group_cases.VALID,
    "empty annotations": (
        {"alerts__0__annotations": {}},
        {"annotations": {"values": "A=0.0999, C=1"}, "summary": "CheckoutHighErrorRate"},
    ),
    "unknown top field": ({"vars": {"x": [1]}, "appVersion": "13.2.0"}, {}),
    "no receiver": ({"receiver": REMOVE}, {}),
    "no title, state and message": ({"title": REMOVE, "state": REMOVE, "message": REMOVE}, {}),
    "state of the old alerting": ({"state": "no_data"}, {"status": "firing"}),
    "no groupKey": ({"groupKey": REMOVE}, {}),
    "no external address": ({"externalURL": REMOVE}, {}),
    "another organisation": ({"orgId": 99}, {"sender": "grafana"}),
    "organisation zero": ({"orgId": 0}, {"sender": "grafana"}),
    "group resolved though an alert fires": ({"status": "resolved"}, {"status": "firing"}),
    "values null": (
        {"alerts__0__values": None},
        {"annotations": {**sample("grafana/firing")["alerts"][0]["annotations"]}},
    ),
    "no values": ({"alerts__0__values": REMOVE}, {"summary": "checkout error ratio 9.99%"}),
    "values empty": ({"alerts__0__values": {}}, {"summary": "checkout error ratio 9.99%"}),
    "values of many kinds": (
        {
            "alerts__0__annotations": {},
            "alerts__0__values": {"A": 1, "B": None, "C": "x", "D": True, "E": [1], "F": 1 / 3},
        },
        {"annotations": {"values": "A=1, F=0.333333"}},
    ),
    "a value beyond any float": (
        {"alerts__0__annotations": {}, "alerts__0__values": {"A": 10**400, "B": -(10**400)}},
        {"annotations": {"values": "A=inf, B=inf"}},
    ),
    "a thousand values": (
        {"alerts__0__annotations": {}, "alerts__0__values": {f"v{n}": n for n in range(1000)}},
        {},
    ),
    "a secret as the name of a value": (
        {"alerts__0__annotations": {}, "alerts__0__values": {"password=hunter2": 1}},
        {"annotations": {"values": "password=[redacted]"}},
    ),
    "half a character as the name of a value": (
        {"alerts__0__annotations": {}, "alerts__0__values": {"\ud800": 1}},
        {"annotations": {"values": "?=1"}},
    ),
    "an annotation called values is kept": (
        {"alerts__0__annotations": {"values": "mine"}},
        {"annotations": {"values": "mine"}},
    ),
    "no valueString": ({"alerts__0__valueString": REMOVE}, {}),
    "organisation of the alert": ({"alerts__0__orgId": 7}, {}),
    "no dashboard": (
        {"alerts__0__dashboardURL": "", "alerts__0__panelURL": ""},
        {"runbook": "CheckoutHighErrorRate"},
    ),
    "silence that is no web address": ({"alerts__0__silenceURL": "javascript:alert(1)"}, {}),
    "image": ({"alerts__0__imageURL": "https://img.example.com/1.png"}, {}),
    "image kept inside Grafana": ({"alerts__0__imageURL": "token://abc"}, {}),
    "embedded image": ({"alerts__0__embeddedImage": "aGVsbG8="}, {}),
    "password in the address of the panel": (
        {"alerts__0__panelURL": "https://bob:hunter2@grafana.example.com/d/x"},
        {},
    ),
    "folder with blanks": ({"alerts__0__labels__grafana_folder": "My Team"}, {}),
    "label names that Prometheus would not take": (
        {"alerts__0__labels": {"alertname": "A", "Team Name": "x", "größe": "y"}},
        {"labels": {"alertname": "A", "Team Name": "x", "größe": "y"}},
    ),
    "title of a rule with blanks": (
        {"alerts__0__labels__alertname": "Checkout: errors > 5 %"},
        {"alert_name": "Checkout: errors > 5 %"},
    ),
    "node": (
        {"alerts__0__labels": {"alertname": "A", "node": "ip-10-0-0-1.ec2.internal"}},
        {
            "target": {
                "cluster": None,
                "namespace": None,
                "kind": "node",
                "name": "ip-10-0-0-1.ec2.internal",
            }
        },
    ),
    "error without a reason": (
        {
            "alerts__0__labels__alertname": "DatasourceError",
            "alerts__0__labels__rulename": "Disk full",
        },
        {"summary": "Grafana rule Disk full could not be evaluated.", "runbook": None},
    ),
    "error with a long reason": (
        {
            "alerts__0__labels__alertname": "DatasourceError",
            "alerts__0__labels__rulename": "R",
            "alerts__0__annotations__Error": "x" * 900,
        },
        {"summary": "Grafana rule R could not be evaluated: " + "x" * 455 + "…[cut]"},
    ),
    "error with a secret in its reason": (
        {
            "alerts__0__labels__alertname": "DatasourceError",
            "alerts__0__labels__rulename": "R",
            "alerts__0__annotations__Error": "Get http://bob:hunter2@db: refused",
        },
        {"summary": "Grafana rule R could not be evaluated: Get http://[redacted]@db: refused"},
    ),
    "no data of a rule without a name": (
        {"alerts__0__labels__alertname": "DatasourceNoData"},
        {"summary": "Grafana rule without a name got no data.", "runbook": None},
    ),
    "no data of a rule without a runbook": (
        {
            "alerts__0__labels__alertname": "DatasourceNoData",
            "alerts__0__labels__rulename": "R",
            "alerts__0__labels__runbook": REMOVE,
        },
        {"summary": "Grafana rule R got no data.", "runbook": None},
    ),
    "the data is back": (
        {
            "alerts__0__labels__alertname": "DatasourceNoData",
            "alerts__0__labels__rulename": "R",
            "alerts__0__status": "resolved",
            "alerts__0__endsAt": "2026-11-23T15:15:50Z",
        },
        {"status": "resolved", "duration_seconds": 60, "runbook": None},
    ),
    "a rule that only sounds like it": (
        {"alerts__0__labels__alertname": "DatasourceErrors"},
        {"runbook": "CheckoutHighErrorRate", "summary": "checkout error ratio 9.99%"},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), VALID.values(), ids=VALID.keys())
def test_a_valid_body_is_accepted(
    invoke: Invoker, changes: dict[str, object], expected: dict[str, object]
) -> None:
    data = data_of(invoke, changed(sample("grafana/firing"), **changes))
    assert {key: data[key] for key in expected} == expected
    assert "hunter2" not in json.dumps(data)


def test_only_web_addresses_become_links(invoke: Invoker) -> None:
    body = changed(
        sample("grafana/firing"),
        externalURL="ftp://grafana",
        alerts__0__generatorURL="",
        alerts__0__silenceURL="javascript:alert(1)",
        alerts__0__dashboardURL="",
        alerts__0__panelURL="/d/x",
        alerts__0__imageURL="token://abc",
        alerts__0__annotations__dashboard_url="https://grafana.example.com/d/mine",
    )
    links = data_of(invoke, body)["links"]
    assert set(links) == {"runbook", "dashboard"}
    assert links["dashboard"] == "https://grafana.example.com/d/mine"


# Each case: what is changed in the firing sample, and every error the answer must name.
INVALID: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    **group_cases.INVALID,
    "no version": ({"version": REMOVE}, {"/version": MISSING}),
    "version 4": ({"version": "4"}, {"/version": "must be one of 1"}),
    "version as number": ({"version": 1}, {"/version": "must be one of 1"}),
    "no organisation": ({"orgId": REMOVE}, {"/orgId": MISSING}),
    "organisation null": ({"orgId": None}, {"/orgId": "must be integer but is null"}),
    "organisation a text": ({"orgId": "1"}, {"/orgId": "must be integer but is string"}),
    "organisation true": ({"orgId": True}, {"/orgId": "must be integer but is boolean"}),
    "organisation a fraction": ({"orgId": 1.5}, {"/orgId": "must be integer but is number"}),
    "empty alerts": ({"alerts": []}, {"/alerts": "must have at least 1 item"}),
    "alerts null": ({"alerts": None}, {"/alerts": "must be array but is null"}),
    "alerts an object": ({"alerts": {}}, {"/alerts": "must be array but is object"}),
    "everything wrong at the top": (
        {"version": "9", "orgId": [], "alerts": 1, "status": 1, "truncatedAlerts": "x"},
        {
            "/version": "must be one of 1",
            "/orgId": "must be integer but is array",
            "/alerts": "must be array but is integer",
            "/status": "must be one of firing, resolved",
            "/truncatedAlerts": "must be integer but is string",
        },
    ),
    "group status of the old alerting": (
        {"status": "alerting"},
        {"/status": "must be one of firing, resolved"},
    ),
    "truncatedAlerts negative": (
        {"truncatedAlerts": -1},
        {"/truncatedAlerts": "must satisfy minimum 0"},
    ),
    "title a number": ({"title": 7}, {"/title": "must be string but is integer"}),
    "message an object": ({"message": {}}, {"/message": "must be string but is object"}),
    "alert in the state of the old alerting": (
        {"alerts__0__status": "alerting"},
        {f"{ALERT}/status": "must be one of firing, resolved"},
    ),
    "values a list": (
        {"alerts__0__values": [1]},
        {f"{ALERT}/values": "must be object or null but is array"},
    ),
    "values a text": (
        {"alerts__0__values": "A=1"},
        {f"{ALERT}/values": "must be object or null but is string"},
    ),
    "valueString a number": (
        {"alerts__0__valueString": 1},
        {f"{ALERT}/valueString": "must be string but is integer"},
    ),
    "silence a number": (
        {"alerts__0__silenceURL": 1},
        {f"{ALERT}/silenceURL": "must be string but is integer"},
    ),
    "panel a list": (
        {"alerts__0__panelURL": []},
        {f"{ALERT}/panelURL": "must be string but is array"},
    ),
    "image false": (
        {"alerts__0__imageURL": False},
        {f"{ALERT}/imageURL": "must be string but is boolean"},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_body_is_refused_with_every_error(
    invoke: Invoker, changes: dict[str, object], expected: dict[str, str]
) -> None:
    body = changed(sample("grafana/firing"), **changes)
    if "orgId" not in body:
        assert body["version"] == "1"  # else nothing says that it is Grafana's
    status, answer = invoke.body(body)
    assert status == 400
    assert {error["pointer"]: error["message"] for error in answer["errors"]} == expected
    assert len(answer["errors"]) == len(expected)
    assert invoke.bus.batches == []
    warnings = [record for record in invoke.messages() if record["level"] == "WARNING"]
    assert [warning["errors"] for warning in warnings] == [answer["errors"]]
    assert {warning["sender"] for warning in warnings} == {"grafana"}


def test_one_bad_alert_among_fifty_does_not_cost_the_others(invoke: Invoker) -> None:
    status, answer = invoke.body(group_body("grafana", 50, alerts__7__startsAt=REMOVE))
    assert (status, answer["accepted"], len(answer["incident_ids"])) == (202, 49, 49)
    assert [item["pointer"] for item in answer["rejected"]] == ["/alerts/7"]
    assert len(invoke.bus.taken) == 49


def test_there_are_enough_cases() -> None:
    own = (VALID.keys() | INVALID.keys()) - group_cases.VALID.keys() - group_cases.INVALID.keys()
    assert len(own) >= 60
