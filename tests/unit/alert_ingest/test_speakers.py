"""A key says who speaks: what it may send, whose incidents these are, and that it is the canary."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from alert_ingest.errors import SettingsError
from alert_ingest.settings import Settings
from alert_ingest.speakers import speakers_from
from tests.unit.alert_ingest.bodies import alertmanager_body, proxy_event, sample
from tests.unit.alert_ingest.invoking import ENVIRONMENT, Invoker

SENDERS = "prod=alertmanager,prod=alertmanager,dd=datadog,,lab=any"
IDS = "key1,key2,key3,,key5"
CANARY = "canarykey"


@pytest.fixture
def invoke(invoke: Invoker, monkeypatch: pytest.MonkeyPatch) -> Invoker:
    settings = dataclasses.replace(
        invoke.module.settings, speakers=speakers_from(SENDERS, IDS, CANARY)
    )
    monkeypatch.setattr(invoke.module, "settings", settings)
    return invoke


def post(invoke: Invoker, key: object, body: object) -> tuple[int, dict[str, Any]]:
    event = proxy_event(body)
    event["requestContext"] = {"requestId": "r", "identity": {"apiKeyId": key}}
    return invoke.event(event)


def data(invoke: Invoker, key: object, body: object) -> dict[str, Any]:
    assert post(invoke, key, body)[0] == 202
    found: dict[str, Any] = invoke.bus.details[-1]["data"]
    return found


def test_the_event_carries_the_keys_id(invoke: Invoker) -> None:
    assert data(invoke, "key3", sample("datadog/triggered"))["sender_key"] == "key3"
    assert data(invoke, None, sample("datadog/triggered"))["sender_key"] == ""
    assert data(invoke, '"},"x":{"', sample("datadog/triggered"))["sender_key"] == ""


def test_only_the_canarys_key_makes_a_canary(invoke: Invoker) -> None:
    labels = {"alertname": "PlatformCanary", "severity": "warning"}
    body = alertmanager_body(alerts__0__labels=labels)
    canary = data(invoke, CANARY, body)
    pretender = data(invoke, "key1", body)
    assert (canary["purpose"], pretender["purpose"]) == ("canary", "alert")
    assert canary["incident_id"] != pretender["incident_id"]


def test_both_keys_of_a_sender_speak_of_the_same_incident(invoke: Invoker) -> None:
    firing = data(invoke, "key1", sample("alertmanager/firing"))
    resolved = data(invoke, "key2", sample("alertmanager/resolved"))
    assert resolved["status"] == "resolved"
    assert firing["incident_id"] == resolved["incident_id"]


@pytest.mark.parametrize("forger", ["key5", "unnamed", None])
def test_a_forged_end_from_another_sender_ends_nothing(invoke: Invoker, forger: object) -> None:
    firing = data(invoke, "key1", sample("alertmanager/firing"))
    forged = data(invoke, forger, sample("alertmanager/resolved"))
    assert forged["incident_id"] != firing["incident_id"]


def test_a_key_sends_only_the_format_that_is_its_own(invoke: Invoker) -> None:
    status, answer = post(invoke, "key3", sample("alertmanager/firing"))
    assert status == 403
    assert "key of dd may send bodies of datadog" in answer["error"]
    assert post(invoke, CANARY, sample("datadog/triggered"))[0] == 403
    assert invoke.bus.batches == []


@pytest.mark.parametrize(
    ("senders", "ids", "why"),
    [
        ("prod", "k", "place 1, 'prod', is not NAME=FORMAT"),
        ("platform-canary=any", "k", "place 1, 'platform-canary=any', is not NAME=FORMAT"),
        ("a=any,a=grafana", "k,l", "gives a a second format"),
        ("a=any,b=any", "k", "place 2, 'b=any', has no key"),
    ],
)
def test_a_list_of_senders_that_contradicts_itself_stops_the_function(
    senders: str, ids: str, why: str
) -> None:
    with pytest.raises(SettingsError, match="SENDERS") as refused:
        Settings.from_environment(ENVIRONMENT | {"SENDERS": senders, "SENDER_KEY_IDS": ids})
    assert why in str(refused.value)
