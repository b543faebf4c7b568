"""Events keep to their schemas and their size, whatever an alert contains."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from alert_ingest.events import MAX_ENTRY_BYTES, Context, Entry, entry_of, entry_size
from alert_ingest.intake import Intake
from tests.unit.alert_ingest.bodies import EVENTS, alertmanager_body, sample
from tests.unit.alert_ingest.telling import told

CONTEXT = Context("bus", "000000000000", "us-east-1", "request-1", datetime.now(UTC))


def entry_for(body: dict[str, Any]) -> tuple[Entry, tuple[str, ...]]:
    (alert,) = Intake().read(body, datetime.now(UTC)).alerts
    return entry_of(alert, CONTEXT)


def check(entry: Entry) -> dict[str, Any]:
    """Validate an entry against its published schema; return its data."""
    schema = json.loads((EVENTS / "schemas" / f"{entry['DetailType']}.json").read_text("utf-8"))
    detail = json.loads(entry["Detail"])
    Draft202012Validator(schema).validate(detail)
    data: dict[str, Any] = detail["data"]
    return data


RAW_SAMPLES = [
    f"{folder}/{path.stem}"
    for folder in ("alertmanager", "datadog", "grafana")
    for path in sorted((EVENTS / folder).glob("*.json"))
    if not path.name.startswith(("api-", "invalid-", "webhook-template"))
]


@pytest.mark.parametrize("name", RAW_SAMPLES)
def test_every_sample_gives_events_of_the_published_schema(name: str) -> None:
    reading = Intake().read(sample(name), datetime.now(UTC))
    assert reading.alerts
    for alert in reading.alerts:
        entry, warnings = entry_of(alert, CONTEXT)
        assert not any("cut to fit" in warning for warning in warnings)
        data = check(entry)
        assert data["warnings"] == list(warnings)
        if data["alert_name"].startswith(("Datasource", "No data", "TestAlert")):
            assert data["runbook"] is None
            continue
        assert data["runbook"] in {"CheckoutHighErrorRate", "NodeNotReady"}
        assert data["target"]["cluster"] == "sre-platform"


OF_AWS = [
    f"{folder}/{path.stem}"
    for folder in ("cloudwatch", "aws_health")
    for path in sorted((EVENTS / folder).glob("*.json"))
    if not path.name.startswith("invalid-")
]


@pytest.mark.parametrize("name", OF_AWS)
def test_every_event_of_aws_gives_events_of_the_published_schema(name: str) -> None:
    """Those of the platform itself and of no data give none."""
    reading = told(name).reading
    assert len(reading.alerts) == (name.split("/")[1] not in ("own-alarm", "insufficient-data"))
    for alert in reading.alerts:
        entry, _warnings = entry_of(alert, CONTEXT)
        data = check(entry)
        assert (entry["Source"], data["sender"]) == (f"sre.{reading.sender}", reading.sender)


HUGE = {
    "one huge annotation": {"annotations": {"description": "x" * 900_000}},
    "quotes, which double twice": {"annotations": {"description": '"\\' * 300_000}},
    "line ends and tabs": {"annotations": {"description": "\n\t" * 300_000}},
    "many scripts": {"annotations": {"description": "結🔥" * 200_000}},
    "many annotations": {"annotations": {f"a{n}": "y" * 100 for n in range(9_000)}},
    "many labels": {"labels": {f"l{n}": "z" * 90 for n in range(9_000)}},
    "huge labels": {"labels": {f"l{n}": '"' * 90_000 for n in range(10)}},
    "huge keys": {"labels": {"k" * 500_000: "v"}, "annotations": {"k" * 500_000: "v"}},
    "huge link": {"generatorURL": "http://x/" + "y" * 900_000},
    "long fingerprint and name": {"fingerprint": "é" * 128, "labels": {"alertname": "é" * 10_000}},
    "everything": {
        "labels": {f"l{n}": "🔥" * 4_000 for n in range(20)},
        "annotations": {f"a{n}": "🔥" * 9_000 for n in range(20)},
        "generatorURL": "http://x/?" + '"' * 4_000,
    },
}


@pytest.mark.parametrize("changes", HUGE.values(), ids=HUGE.keys())
def test_no_alert_makes_an_entry_of_200_kb(changes: dict[str, Any]) -> None:
    body = alertmanager_body()
    alert = body["alerts"][0]
    alert["labels"] = {**alert["labels"], "team": "payments"}
    for field, value in changes.items():
        alert[field] = {**alert[field], **value} if isinstance(value, dict) else value
    entry, warnings = entry_for(body)
    data = check(entry)
    assert entry_size(entry) < MAX_ENTRY_BYTES
    assert len(json.dumps({"Entries": [entry]})) < MAX_ENTRY_BYTES + 100
    assert warnings or len(changes.get("generatorURL", "")) > 0 or "fingerprint" in changes
    # What selects the runbook and its target, and who is told, survives any cutting.
    if "alertname" not in changes.get("labels", {}):
        chosen = ("alertname", "severity", "runbook", "team", "cluster", "namespace", "deployment")
        for name in chosen:
            assert data["labels"][name] == alert["labels"][name]
    assert data["target"]["name"] == "checkout"
    assert "summary" in data["annotations"]


def test_a_cut_value_says_so() -> None:
    entry, _ = entry_for(alertmanager_body(alerts__0__annotations__description="x" * 20_000))
    data = check(entry)
    assert data["warnings"] == ["annotations cut to fit an event"]
    assert data["annotations"]["description"].endswith("x…[cut]")


def test_an_ordinary_alert_is_not_cut() -> None:
    body = alertmanager_body(alerts__0__annotations__description="x" * 16_000)
    data = check(entry_for(body)[0])
    assert data["warnings"] == []
    assert data["annotations"] == body["alerts"][0]["annotations"]


def test_everything_at_its_limit_at_once_still_fits() -> None:
    """Every bounded field as long as it may be, of characters that escape to twelve bytes."""
    fire = "🔥"
    body = alertmanager_body(truncatedAlerts=10**9)
    alert = body["alerts"][0]
    alert["labels"] = {
        **{f"l{n}": fire * 20 for n in range(400)},
        **{"alertname": fire * 300, "cluster": fire * 300, "runbook": fire * 128},
        **{"namespace": "a" * 63, "deployment": "b" * 253, "severity": fire * 300},
    }
    alert["annotations"] = {f"a{n}": fire * 20 for n in range(400)} | {"summary": fire * 900}
    alert["fingerprint"] = fire * 128
    body["externalURL"] = alert["generatorURL"] = "https://x/" + "é" * 4_000
    entry, warnings = entry_for(body)
    check(entry)
    assert len(warnings) == 3
    assert entry_size(entry) < MAX_ENTRY_BYTES
