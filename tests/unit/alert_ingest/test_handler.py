"""The handler's promises to whoever calls the webhook, and what it writes to log and metrics."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest

from alert_ingest.errors import ChannelRefused, ChannelUnavailable
from srectl.operate.doctor import intake
from tests.unit.alert_ingest.bodies import (
    REMOVE,
    alertmanager_body,
    group_body,
    proxy_event,
    sample,
)
from tests.unit.alert_ingest.invoking import Invoker

DOWN = ChannelUnavailable("PutEvents failed with EndpointConnectionError")
FORBIDDEN = ChannelRefused("PutEvents was refused with AccessDeniedException")


def metrics_of(records: list[dict[str, Any]]) -> dict[str, float]:
    """Return the counters of the last metrics record."""
    (record,) = (record for record in records if "_aws" in record and "sender" in record)
    return {key: value for key, value in record.items() if key.startswith("Alerts")}


def test_the_answer_to_an_accepted_body_names_its_incidents(invoke: Invoker) -> None:
    event = sample("alertmanager/api-firing")
    status, answer = invoke.event(event)
    assert status == 202
    assert set(answer) == {"incident_ids", "accepted", "rejected", "correlation_id"}
    assert answer["correlation_id"] == event["requestContext"]["requestId"]
    assert answer["incident_ids"] == [invoke.bus.details[0]["data"]["incident_id"]]


def test_the_doctors_probe_is_answered_and_counts_as_nothing(invoke: Invoker) -> None:
    event = proxy_event(intake._BODY.decode())
    status, answer = invoke.event(event)
    assert status == 200
    assert answer.keys() == {"probe", "correlation_id"}
    assert not invoke.bus.details
    assert not invoke.parking.details
    (record,) = invoke.log()  # no counters: neither of what was refused nor of what was taken
    assert record["message"] == "probe answered"


@pytest.mark.parametrize("probe", [{"srectl_doctor": "probe"}, {"srectl_doctor": "anything"}])
def test_nothing_of_a_sender_is_taken_for_the_doctors_probe(
    invoke: Invoker, probe: dict[str, str]
) -> None:
    status, answer = invoke.body(alertmanager_body() | probe)
    assert (status, answer["accepted"]) == (202, 1)
    assert invoke.body({"alerts": [], **probe})[0] == 400
    assert invoke.body([probe])[0] == 400


def test_metadata_says_where_and_when_it_arrived(invoke: Invoker) -> None:
    _, answer = invoke.body(alertmanager_body())
    metadata = invoke.bus.details[0]["metadata"]
    assert metadata["account_id"] == "000000000000"
    assert metadata["region"] == "us-east-1"
    assert metadata["correlation_id"] == answer["correlation_id"]
    assert metadata["received_at"].endswith("Z")
    assert metadata["alert_event"] == "AlertFired"
    assert metadata["schema_version"] == "1"


def test_a_repetition_carries_the_same_event_id(invoke: Invoker) -> None:
    invoke.body(alertmanager_body())
    invoke.body(alertmanager_body())
    first, second = (detail["metadata"]["event_id"] for detail in invoke.bus.details)
    assert first == second
    assert first != invoke.bus.details[0]["data"]["incident_id"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "is empty"),
        ("{", "is not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        ("[1, 2", "is not JSON: Expecting ',' delimiter at line 1, column 6"),
        ('{"a": NaN}', "is not JSON: NaN is not a JSON value"),
        ("[" * 100_000, "is not JSON: nested too deeply"),
        (
            "1" * 5_000,
            "is not JSON: Exceeds the limit (4300 digits) for integer string conversion: "
            "value has 5000 digits",
        ),
        ("null", "must be object but is null"),
        ("[]", "must be object but is array"),
        ('"text"', "must be object but is string"),
        ("true", "must be object but is boolean"),
        ("1.5", "must be object but is number"),
        ("{}", "is of none of the known formats"),
        (
            '{"alerts": [], "alert_transition": "Warn"}',
            "looks like more than one of the known formats",
        ),
    ],
)
def test_a_body_of_no_known_kind_is_refused(invoke: Invoker, body: str, message: str) -> None:
    status, answer = invoke.body(body)
    assert status == 400
    assert answer["errors"] == [{"pointer": "", "message": message}]
    assert invoke.bus.batches == []
    assert metrics_of(invoke.log())["AlertsRejected"] == 1


def test_an_unknown_sender_is_told_the_formats_known(invoke: Invoker) -> None:
    status, answer = invoke.body({"title": "hello"})
    assert status == 400
    assert "Alertmanager webhook version 4" in answer["error"]
    assert "Datadog webhook" in answer["error"]
    assert "Grafana Alerting webhook version 1" in answer["error"]


@pytest.mark.parametrize("body", [None, 7, [], {}], ids=["null", "number", "list", "object"])
def test_an_event_without_body_text_is_refused(invoke: Invoker, body: object) -> None:
    status, answer = invoke.event(proxy_event("", body=body))
    assert (status, answer["errors"]) == (400, [{"pointer": "", "message": "is empty"}])


def test_base64_is_decoded(invoke: Invoker) -> None:
    plain = invoke.event(sample("alertmanager/api-firing"))
    encoded = invoke.event(sample("alertmanager/api-firing-base64"))
    assert encoded[1]["incident_ids"] == plain[1]["incident_ids"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("***", "is not base64"),
        ("ä", "is not base64"),
        (base64.b64encode(b'{"a": "\xff"}').decode(), "is not UTF-8 at byte 7"),
    ],
)
def test_bad_base64_is_refused(invoke: Invoker, body: str, message: str) -> None:
    status, answer = invoke.event(proxy_event(body, isBase64Encoded=True))
    assert (status, answer["errors"]) == (400, [{"pointer": "", "message": message}])


def test_a_body_over_the_limit_is_413(invoke: Invoker) -> None:
    limit = invoke.module.settings.max_body_bytes
    assert invoke.body("x" * limit)[0] == 400
    status, answer = invoke.body("x" * (limit + 1))
    assert status == 413
    assert "max_alerts" in answer["error"]
    assert invoke.body("é" * (limit // 2 + 1))[0] == 413  # bytes count, not characters
    assert invoke.bus.batches == []


@pytest.mark.parametrize("extra", [1, 5, 1000])
def test_a_base64_body_over_the_limit_is_413(invoke: Invoker, extra: int) -> None:
    limit = invoke.module.settings.max_body_bytes
    text = base64.b64encode(b"x" * (limit + extra)).decode()
    assert invoke.event(proxy_event(text, isBase64Encoded=True))[0] == 413
    fits = base64.b64encode(b"x" * limit).decode()
    assert invoke.event(proxy_event(fits, isBase64Encoded=True))[0] == 400


@pytest.mark.parametrize(
    "context", [REMOVE, None, {}, {"requestId": ""}, {"requestId": 5}, {"requestId": "a\nb"}]
)
def test_without_a_usable_request_id_one_is_made(invoke: Invoker, context: object) -> None:
    status, answer = invoke.event(proxy_event(alertmanager_body(), requestContext=context))
    assert status == 202
    assert uuid.UUID(answer["correlation_id"])


def test_nothing_accepted_is_lost_when_the_bus_refuses_entries(invoke: Invoker) -> None:
    invoke.bus.script = [{0, 2}] * 3
    status, answer = invoke.body(alertmanager_body(4))
    assert (status, answer["accepted"]) == (202, 4)
    everywhere = {entry["Detail"] for entry in invoke.bus.taken + invoke.parking.taken}
    assert len(everywhere) == 4
    records = invoke.log()
    assert metrics_of(records)["AlertsParked"] == len(invoke.parking.taken) == 1
    (error,) = (record for record in records if record.get("level") == "ERROR")
    assert error["reasons"] == ["refused by the test"]


@pytest.mark.parametrize("failure", [DOWN, FORBIDDEN], ids=["down", "forbidden"])
def test_with_the_bus_down_everything_is_parked_and_accepted(
    invoke: Invoker, failure: ChannelUnavailable | ChannelRefused
) -> None:
    invoke.bus.broken = failure
    status, answer = invoke.body(alertmanager_body(25))
    assert (status, answer["accepted"], len(invoke.parking.taken)) == (202, 25, 25)
    assert metrics_of(invoke.log()) == {
        "AlertsAccepted": 25,
        "AlertsRejected": 0,
        "AlertsParked": 25,
        "AlertsUndelivered": 0,
    }


def test_with_parking_down_too_the_sender_has_to_repeat(invoke: Invoker) -> None:
    invoke.bus.broken = DOWN
    invoke.parking.broken = ChannelUnavailable("SendMessageBatch failed with ReadTimeoutError")
    status, answer = invoke.body(alertmanager_body(3))
    assert status == 503
    assert set(answer) == {"error", "correlation_id"}
    records = invoke.log()
    assert metrics_of(records)["AlertsUndelivered"] == 3
    assert metrics_of(records)["AlertsAccepted"] == 0
    (error,) = (record for record in records if record.get("level") == "ERROR")
    assert any("SendMessageBatch" in reason for reason in error["reasons"])


def test_the_counters_count_by_sender(invoke: Invoker) -> None:
    invoke.body(alertmanager_body(3, alerts__1=None))
    assert metrics_of(invoke.log()) == {
        "AlertsAccepted": 2,
        "AlertsRejected": 1,
        "AlertsParked": 0,
        "AlertsUndelivered": 0,
    }
    for body, sender in (
        (sample("datadog/triggered"), "datadog"),
        (sample("datadog/invalid-alert"), "datadog"),
        (sample("grafana/group-mixed"), "grafana"),
        (sample("grafana/invalid-message"), "grafana"),
        ({}, "unknown"),
    ):
        invoke.body(body)
        (record,) = (record for record in invoke.log() if "AlertsAccepted" in record)
        assert record["sender"] == sender
        assert record["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "SREPlatform"
        assert record["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["sender", "service"]]


def test_a_body_full_of_bad_alerts_counts_each(invoke: Invoker) -> None:
    invoke.body(alertmanager_body(3, alerts=[1, 2, 3]))
    assert metrics_of(invoke.log())["AlertsRejected"] == 3


def test_the_body_is_logged_once_under_the_correlation_id(invoke: Invoker) -> None:
    _, answer = invoke.body(alertmanager_body())
    records = [record for record in invoke.messages() if "body" in record]
    assert len(records) == 1
    assert records[0]["body"]["alerts"][0]["fingerprint"]
    assert records[0]["correlation_id"] == answer["correlation_id"]
    assert records[0]["service"] == "alert-ingest"


def test_no_secret_reaches_the_log(invoke: Invoker) -> None:
    secret = "hunter2hunter2"
    good = alertmanager_body(
        alerts__0__labels__api_key=secret,
        alerts__0__annotations__note=f"curl -H 'Authorization: Bearer {secret}'",
        alerts__0__generatorURL=f"http://bob:{secret}@prometheus/graph?token={secret}",
        externalURL=f"https://bob:{secret}@alertmanager",
    )
    bad_text = json.dumps(good)[:-1]
    bad_alert = alertmanager_body(alerts__0__labels__secret=[secret], alerts__0__password=secret)
    for body in (good, bad_text, bad_alert, {"token": secret}):
        _, answer = invoke.body(body)
        assert secret not in json.dumps(answer)
    event = proxy_event(alertmanager_body(), headers={"X-Api-Key": secret})
    invoke.event(event)
    output = invoke.capture.readouterr()
    assert "alerts received" in output.out
    assert secret not in output.out + output.err
    assert secret not in json.dumps(invoke.bus.taken)


def test_a_rejected_body_is_written_out_only_the_first_time(invoke: Invoker) -> None:
    poison = alertmanager_body(alerts__0__startsAt="never")
    invoke.body(poison)
    (first,) = invoke.messages()
    assert "errors" in first
    assert "body" in first
    for times in (2, 3):
        status, answer = invoke.body(poison)
        assert status == 400
        assert answer["errors"]
        (again,) = invoke.messages()
        assert again["times"] == times
        assert again["sha256"] == first["sha256"]
        assert "body" not in again
        assert "errors" not in again
    invoke.body(alertmanager_body(alerts__0__startsAt="ever"))
    assert "body" in invoke.messages()[0]


def test_a_large_body_is_logged_in_parts_that_cloudwatch_takes(invoke: Invoker) -> None:
    body = alertmanager_body(900)
    assert invoke.body(body)[0] == 202
    lines = invoke.capture.readouterr().out.splitlines()
    assert max(len(line) for line in lines) < 256_000
    parts = [json.loads(line) for line in lines if '"body_text"' in line]
    assert len(parts) == parts[0]["parts"] > 1
    assert json.loads("".join(part["body_text"] for part in parts))["alerts"] == body["alerts"]


def test_thousands_of_errors_are_counted_but_not_all_shown(invoke: Invoker) -> None:
    status, answer = invoke.body(alertmanager_body(alerts=[1] * 3000))
    assert status == 400
    assert len(answer["errors"]) == 1000
    assert answer["errors_not_shown"] == 2000


def test_what_was_assumed_is_noted_in_the_log(invoke: Invoker) -> None:
    invoke.body(
        alertmanager_body(alerts__0__labels__severity="purple", alerts__0__labels__namespace="A B")
    )
    (record,) = (record for record in invoke.messages() if "notes" in record)
    assert record["notes"] == [
        "severity 'purple' is not known, warning assumed",
        "labels namespace and deployment are no Kubernetes names: no target",
    ]
    data = invoke.bus.details[0]["data"]
    assert record["incident_id"] == data["incident_id"]
    assert data["warnings"] == record["notes"]  # on the incident too
    assert data["severity"] == "warning"


@pytest.mark.parametrize(
    ("sender", "product"), [("alertmanager", "Alertmanager"), ("grafana", "Grafana")]
)
def test_alerts_left_out_are_a_warning_on_each_incident_of_the_body(
    invoke: Invoker, sender: str, product: str
) -> None:
    assert invoke.body(group_body(sender, 3, truncatedAlerts=7))[0] == 202
    warning = f"{product} left 7 more alerts out (max_alerts) and will not send them"
    assert [detail["data"]["warnings"] for detail in invoke.bus.details] == [[warning]] * 3
    invoke.body(group_body(sender, 1, truncatedAlerts=0))
    assert invoke.bus.details[-1]["data"]["warnings"] == []


def test_an_ordinary_alert_carries_no_warning(invoke: Invoker) -> None:
    for name in ("alertmanager/firing", "grafana/resolved", "datadog/triggered"):
        invoke.body(sample(name))
    assert [detail["data"]["warnings"] for detail in invoke.bus.details] == [[], [], []]
