"""What becomes of Datadog bodies: the valid ones field by field, the others error by error."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from alert_ingest.senders.datadog import TRANSITIONS
from tests.unit.alert_ingest.bodies import REMOVE, changed, sample
from tests.unit.alert_ingest.invoking import Invoker, data_of

CHECKOUT = {
    "cluster": "sre-platform",
    "namespace": "apps",
    "kind": "deployment",
    "name": "checkout",
}
NOTHING = {"cluster": None, "namespace": None, "kind": None, "name": None}


def body_with(**changes: object) -> dict[str, Any]:
    return changed(sample("datadog/triggered"), **changes)


def test_a_triggered_monitor_becomes_incident_created(invoke: Invoker) -> None:
    data = data_of(invoke, sample("datadog/triggered"))
    assert data["timestamp"] == data["started_at"] == "2026-11-23T15:14:52.000Z"
    assert data["ended_at"] is None
    assert data["sender"] == "datadog"
    assert data["alert_name"] == "Checkout error rate"
    assert data["severity"] == "critical"
    assert data["runbook"] == "CheckoutHighErrorRate"
    assert data["fingerprint"] == "9bd4ac313a4d1e8fae2482df7b77628"
    assert data["target"] == CHECKOUT
    assert data["labels"]["monitor"] == ""
    assert set(data["links"]) == {"event"}
    assert invoke.bus.taken[0]["Source"] == "sre.datadog"
    assert invoke.bus.taken[0]["DetailType"] == "incident.created"


def test_a_recovery_belongs_to_the_incident_but_does_not_know_its_start(invoke: Invoker) -> None:
    fired = data_of(invoke, sample("datadog/triggered"))
    recovered = data_of(invoke, sample("datadog/recovered"))
    assert recovered["incident_id"] == fired["incident_id"]
    assert recovered["alert_name"] == fired["alert_name"]
    assert recovered["fingerprint"] == fired["fingerprint"]
    assert recovered["started_at"] is None
    assert recovered["duration_seconds"] is None
    assert recovered["ended_at"] == recovered["timestamp"] == "2026-11-23T15:24:52.000Z"
    assert invoke.bus.taken[1]["DetailType"] == "incident.resolved"


def test_a_monitor_of_whose_names_nothing_can_be_seen_has_one_all_the_same(invoke: Invoker) -> None:
    unseen = body_with(
        aggreg_key=REMOVE, alert_id=REMOVE, alert_cycle_key="\x1b", alert_title="\x1b"
    )
    first, second = (data_of(invoke, unseen) for _ in range(2))
    other = data_of(invoke, {**unseen, "alert_cycle_key": "\x02"})
    assert first["alert_name"].startswith("Datadog monitor")
    assert "\x1b" not in first["alert_name"]
    assert first["fingerprint"] == second["fingerprint"] != other["fingerprint"]
    assert first["fingerprint"].strip()


@pytest.mark.parametrize(("transition", "status"), TRANSITIONS.items())
def test_every_transition_is_firing_or_resolved(
    invoke: Invoker, transition: str, status: str
) -> None:
    assert len(TRANSITIONS) == 8
    data = data_of(invoke, body_with(alert_transition=transition))
    assert data["status"] == status
    assert status == ("resolved" if transition == "Recovered" else "firing")
    assert data["severity"] == ("warning" if "Warn" in transition else "critical")


def test_repeated_notifications_of_a_cycle_are_one_incident(invoke: Invoker) -> None:
    names = ("triggered", "re-triggered", "renotify", "warn", "no-data", "recovered")
    ids = {data_of(invoke, sample(f"datadog/{name}"))["incident_id"] for name in names}
    assert len(ids) == 1


def test_org_and_cycle_key_each_make_another_incident(invoke: Invoker) -> None:
    bodies = (body_with(), body_with(org__id="2"), body_with(alert_cycle_key="2"))
    assert len({data_of(invoke, body)["incident_id"] for body in bodies}) == 3


# Each case: what is changed in the triggered sample, and what of `data` must then hold.
VALID: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "unknown field": ({"brand_new": {"x": [1]}}, {}),
    "schema not given": ({"schema": REMOVE}, {}),
    "date as number": ({"date": 1795446892000}, {"started_at": "2026-11-23T15:14:52.000Z"}),
    "date with milliseconds": (
        {"date": "1795446892123"},
        {"started_at": "2026-11-23T15:14:52.123Z"},
    ),
    "P2": ({"alert_priority": "P2"}, {"severity": "warning"}),
    "P3": ({"alert_priority": "P3"}, {"severity": "warning"}),
    "P4": ({"alert_priority": "P4"}, {"severity": "info"}),
    "P5": ({"alert_priority": "P5"}, {"severity": "info"}),
    "no priority": ({"alert_priority": REMOVE}, {"severity": "warning"}),
    "priority unsubstituted": ({"alert_priority": "$ALERT_PRIORITY"}, {"severity": "warning"}),
    "priority unknown": ({"alert_priority": "P9"}, {"severity": "warning"}),
    "a severity tag goes before the priority": ({"tags": "severity:info"}, {"severity": "info"}),
    "no tags": ({"tags": REMOVE}, {"labels": {}, "target": NOTHING, "runbook": None}),
    "tags unsubstituted": ({"tags": "$TAGS"}, {"labels": {}, "target": NOTHING}),
    "tags empty": ({"tags": ""}, {"labels": {}}),
    "tags of commas": ({"tags": ",, ,"}, {"labels": {}}),
    "tag with colons in its value": (
        {"tags": "url:http://x:1/y"},
        {"labels": {"url": "http://x:1/y"}},
    ),
    "tag without a key": ({"tags": ":x,a:b"}, {"labels": {"a": "b"}}),
    "blanks around tags": ({"tags": " a : b , c:d "}, {"labels": {"a": "b", "c": "d"}}),
    "the same tag twice": ({"tags": "a:b,a:b"}, {"labels": {"a": "b"}}),
    "no cluster tag": (
        {"tags": "kube_namespace:apps,kube_deployment:checkout"},
        {"target": {**CHECKOUT, "cluster": None}},
    ),
    "two deployments are no target": (
        {"tags": "kube_namespace:apps,kube_deployment:a,kube_deployment:b"},
        {"target": NOTHING, "labels": {"namespace": "apps", "deployment": "a,b"}},
    ),
    "tag and Datadog's tag disagree": (
        {"tags": "kube_namespace:apps,deployment:a,kube_deployment:b"},
        {"target": NOTHING},
    ),
    "node": (
        {"tags": "kube_node:ip-10-0-0-1.ec2.internal"},
        {
            "target": {
                "cluster": None,
                "namespace": None,
                "kind": "node",
                "name": "ip-10-0-0-1.ec2.internal",
            }
        },
    ),
    "objects of other kinds": (
        {"tags": "kube_stateful_set:db,kube_daemon_set:agent,kube_job:export-1,pod_name:db-0"},
        {
            "labels": {
                "statefulset": "db",
                "daemonset": "agent",
                "job_name": "export-1",
                "pod": "db-0",
            }
        },
    ),
    "secret tag": ({"tags": "token:hunter2"}, {"labels": {"token": "[redacted]"}}),
    "secret in the query": ({"alert_query": "curl -H 'Authorization: Bearer hunter2hunter2'"}, {}),
    "no aggregation key": ({"aggreg_key": REMOVE}, {"fingerprint": "monitor:148275309"}),
    "aggregation key unsubstituted": (
        {"aggreg_key": "$AGGREG_KEY"},
        {"fingerprint": "monitor:148275309"},
    ),
    "no monitor either": (
        {"aggreg_key": REMOVE, "alert_id": REMOVE},
        {"fingerprint": "7716548234011230001"},
    ),
    "title without prefixes": ({"alert_title": "Disk full"}, {"alert_name": "Disk full"}),
    "title with two prefixes": (
        {"alert_title": "[P1] [Re-Warn on {host:a}] Disk full"},
        {"alert_name": "Disk full"},
    ),
    "title with brackets of its own": (
        {"alert_title": "[prod] Disk full"},
        {"alert_name": "[prod] Disk full"},
    ),
    "only an event title": ({"alert_title": REMOVE}, {"alert_name": "Checkout error rate"}),
    "no title": (
        {"alert_title": REMOVE, "event_title": "$EVENT_TITLE"},
        {"alert_name": "Datadog monitor 148275309"},
    ),
    "no status sentence": ({"alert_status": "$ALERT_STATUS"}, {"summary": "Checkout error rate"}),
    "long status sentence": ({"alert_status": "x" * 900}, {"summary": "x" * 494 + "…[cut]"}),
    "link that is no web address": ({"link": "ftp://x"}, {"links": {}}),
    "link unsubstituted": ({"link": "$LINK"}, {"links": {}}),
    "link with a password": (
        {"link": "https://u:hunter2@dd/x"},
        {"links": {"event": "https://[redacted]@dd/x"}},
    ),
    "text in many scripts": ({"alert_status": "結帳 🔥"}, {"summary": "結帳 🔥"}),
    "half a character": ({"alert_status": "a\udfffb"}, {"summary": "a?b"}),
    "dollar text that is no variable": ({"alert_status": "$5 lost"}, {"summary": "$5 lost"}),
    "overlong runbook": ({"tags": f"runbook:{'r' * 129}"}, {"runbook": None}),
}


@pytest.mark.parametrize(("changes", "expected"), VALID.values(), ids=VALID.keys())
def test_a_valid_body_is_accepted(
    invoke: Invoker, changes: dict[str, object], expected: dict[str, object]
) -> None:
    data = data_of(invoke, body_with(**changes))
    assert {key: data[key] for key in expected} == expected
    assert "hunter2" not in json.dumps(data)


@pytest.mark.parametrize("date", [REMOVE, "$DATE", ""], ids=["missing", "unsubstituted", "empty"])
def test_without_a_date_the_time_of_arrival_stands_in(invoke: Invoker, date: object) -> None:
    before = datetime.now(UTC).isoformat(timespec="milliseconds")
    data = data_of(invoke, body_with(date=date))
    assert data["started_at"][:-1] >= before[:-6]
    notes = [record["notes"] for record in invoke.messages() if "notes" in record]
    assert notes == [["no usable date, the time of arrival stands in"]]


MISSING = "is required but missing"
UNFILLED = f"{MISSING}: Datadog did not fill in its variable"
KNOWN = f"must be one of {', '.join(TRANSITIONS)}"
# Each case: what is changed in the triggered sample, and every error the answer must name.
INVALID: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "no transition": ({"alert_transition": REMOVE}, {"/alert_transition": MISSING}),
    "transition empty": ({"alert_transition": ""}, {"/alert_transition": MISSING}),
    "transition unsubstituted": (
        {"alert_transition": "$ALERT_TRANSITION"},
        {"/alert_transition": UNFILLED},
    ),
    "transition unknown": ({"alert_transition": "Exploded"}, {"/alert_transition": KNOWN}),
    "transition in lower case": ({"alert_transition": "triggered"}, {"/alert_transition": KNOWN}),
    "transition a number": ({"alert_transition": 1}, {"/alert_transition": KNOWN}),
    "transition null": ({"alert_transition": None}, {"/alert_transition": KNOWN}),
    "transition a list": ({"alert_transition": ["Warn"]}, {"/alert_transition": KNOWN}),
    "no cycle key": ({"alert_cycle_key": REMOVE}, {"/alert_cycle_key": MISSING}),
    "cycle key empty": ({"alert_cycle_key": ""}, {"/alert_cycle_key": MISSING}),
    "cycle key blank": ({"alert_cycle_key": "  "}, {"/alert_cycle_key": MISSING}),
    "cycle key unsubstituted": (
        {"alert_cycle_key": "$ALERT_CYCLE_KEY"},
        {"/alert_cycle_key": UNFILLED},
    ),
    "cycle key a number": (
        {"alert_cycle_key": 7},
        {"/alert_cycle_key": "must be string but is integer"},
    ),
    "cycle key null": (
        {"alert_cycle_key": None},
        {"/alert_cycle_key": "must be string but is null"},
    ),
    "cycle key too long": (
        {"alert_cycle_key": "k" * 129},
        {"/alert_cycle_key": "must have at most 128 characters"},
    ),
    "no org": ({"org": REMOVE}, {"/org": MISSING}),
    "org null": ({"org": None}, {"/org": "must be object but is null"}),
    "org a text": ({"org": "Demo"}, {"/org": "must be object but is string"}),
    "org a list": ({"org": []}, {"/org": "must be object but is array"}),
    "org empty": ({"org": {}}, {"/org/id": MISSING}),
    "org without id": ({"org__id": REMOVE}, {"/org/id": MISSING}),
    "org id unsubstituted": ({"org__id": "$ORG_ID"}, {"/org/id": UNFILLED}),
    "org id a number": ({"org__id": 11023}, {"/org/id": "must be string but is integer"}),
    "org name a number": ({"org__name": 1}, {"/org/name": "must be string but is integer"}),
    "schema of the future": (
        {"schema": "datadog-webhook/2"},
        {"/schema": "must be one of datadog-webhook/1"},
    ),
    "date prose": ({"date": "yesterday"}, {"/date": "must look like 1795446892000"}),
    "date in seconds": ({"date": "1795446892"}, {"/date": "must look like 1795446892000"}),
    "date with a line break": (
        {"date": "1795446892000\n"},
        {"/date": "must look like 1795446892000"},
    ),
    "date in other digits": ({"date": "١٧٩٥٤٤٦٨٩٢٠٠٠"}, {"/date": "must look like 1795446892000"}),
    "date in seconds as number": (
        {"date": 1795446892},
        {"/date": "must satisfy minimum 1000000000000"},
    ),
    "date negative": ({"date": -1}, {"/date": "must satisfy minimum 1000000000000"}),
    "date far away": ({"date": 10**14}, {"/date": "must satisfy maximum 9999999999999"}),
    "date with a fraction": (
        {"date": 1795446892000.5},
        {"/date": "must be string or integer but is number"},
    ),
    "date true": ({"date": True}, {"/date": "must be string or integer but is boolean"}),
    "tags a list": ({"tags": ["a:b"]}, {"/tags": "must be string but is array"}),
    "tags an object": ({"tags": {"a": "b"}}, {"/tags": "must be string but is object"}),
    "priority a number": (
        {"alert_priority": 1},
        {"/alert_priority": "must be string but is integer"},
    ),
    "link a list": ({"link": []}, {"/link": "must be string but is array"}),
    "query false": ({"alert_query": False}, {"/alert_query": "must be string but is boolean"}),
    "aggregation key too long": (
        {"aggreg_key": "k" * 129},
        {"/aggreg_key": "must have at most 128 characters"},
    ),
    "three things wrong": (
        {"alert_transition": "Exploded", "alert_cycle_key": "$ALERT_CYCLE_KEY", "org__id": REMOVE},
        {"/alert_transition": KNOWN, "/alert_cycle_key": UNFILLED, "/org/id": MISSING},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_body_is_refused_with_every_error(
    invoke: Invoker, changes: dict[str, object], expected: dict[str, str]
) -> None:
    status, answer = invoke.body(body_with(**changes))
    assert status == 400
    assert {error["pointer"]: error["message"] for error in answer["errors"]} == expected
    assert len(answer["errors"]) == len(expected)
    assert invoke.bus.batches == []
    warnings = [record for record in invoke.messages() if record["level"] == "WARNING"]
    assert [warning["errors"] for warning in warnings] == [answer["errors"]]


def test_the_template_itself_is_refused_because_nothing_is_filled_in(invoke: Invoker) -> None:
    status, answer = invoke.body(sample("datadog/webhook-template"))
    assert status == 400
    assert {error["message"] for error in answer["errors"]} == {UNFILLED}
