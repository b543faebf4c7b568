"""Whatever is posted, the handler answers; whatever it accepts, it has delivered."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from alert_ingest.events import MAX_ENTRY_BYTES, Context, entry_of, entry_size, message_of
from alert_ingest.identity import NAMESPACE, incident_id
from alert_ingest.redaction import is_harmless_json, redact_json, redact_text
from alert_ingest.senders.alertmanager import SENDER as ALERTMANAGER
from alert_ingest.senders.datadog import TRANSITIONS
from alert_ingest.text import fit, wire_size
from alert_ingest.validation import explain, sources, validator
from tests.unit.alert_ingest.bodies import EVENTS, alertmanager_body, proxy_event, sample
from tests.unit.alert_ingest.generated_bodies import (
    SENDERS,
    bodies_of,
    json_values,
    mutations,
    texts,
)
from tests.unit.alert_ingest.invoking import Invoker

# The fixture is reset by hand below; every example starts with empty fakes.
SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=50,
)

moments = (
    st.sampled_from(
        [
            "2026-11-23T15:14:52.704Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59-23:59",
            "2026-02-30T00:00:00Z",
        ]
    )
    | st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    | texts
)
label_maps = st.dictionaries(texts, texts, max_size=4)
plausible_alerts = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["firing", "resolved"]),
        "labels": label_maps.flatmap(
            lambda labels: texts.map(lambda name: {**labels, "alertname": name})
        ),
        "startsAt": moments,
        "fingerprint": texts,
    },
    optional={
        "annotations": label_maps,
        "endsAt": moments,
        "generatorURL": texts | st.just("http://[::1"),
        "extra": json_values,
    },
)


def likely(right: Any) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(right), st.just(right), json_values)


grafana_bodies = st.fixed_dictionaries(
    {
        "version": likely("1"),
        "orgId": likely(1),
        "alerts": st.lists(
            st.tuples(
                plausible_alerts,
                st.dictionaries(
                    st.sampled_from(["values", "valueString", "panelURL", "orgId"]), json_values
                ),
            ).map(lambda pair: {**pair[0], **pair[1]})
            | json_values,
            max_size=4,
        ),
    },
    optional={"truncatedAlerts": json_values, "state": json_values},
)
alertmanager_bodies = st.fixed_dictionaries(
    {"version": likely("4"), "alerts": st.lists(plausible_alerts | json_values, max_size=4)},
    optional={"externalURL": json_values, "status": json_values},
)
datadog_bodies = st.fixed_dictionaries(
    {
        "alert_transition": st.sampled_from(list(TRANSITIONS)) | json_values,
        "alert_cycle_key": texts | json_values,
        "org": st.fixed_dictionaries({"id": texts}) | json_values,
    },
    optional=dict.fromkeys(
        ("tags", "alert_title", "alert_status", "date", "link", "aggreg_key"), texts | json_values
    ),
)


def check(invoke: Invoker, event: object) -> int:
    for channel in (invoke.bus, invoke.parking):
        channel.taken.clear()
        channel.batches.clear()
    status, answer = invoke.event(event)
    assert answer["correlation_id"]
    if status == 202:
        assert len(invoke.bus.taken) == answer["accepted"] >= 1
        delivered = {detail["data"]["incident_id"] for detail in invoke.bus.details}
        assert delivered == set(answer["incident_ids"])
        for entry in invoke.bus.taken:
            assert entry_size(entry) == len(message_of(entry)) < MAX_ENTRY_BYTES
            Draft202012Validator(_schema(entry["DetailType"])).validate(json.loads(entry["Detail"]))
            entry["Detail"].encode("ascii")
    else:
        assert status in {400, 413}
        assert answer["errors"]
        assert invoke.bus.batches == []
    for line in invoke.capture.readouterr().out.splitlines():
        json.loads(line).keys()
    return status


def _schema(detail_type: str) -> dict[str, Any]:
    schema: dict[str, Any] = sample(f"schemas/{detail_type}")
    return schema


@given(
    body=st.text(max_size=200)
    | json_values
    | alertmanager_bodies
    | datadog_bodies
    | grafana_bodies
    | mutations()
)
@SHARED
def test_no_body_makes_the_handler_fail(invoke: Invoker, body: object) -> None:
    check(invoke, proxy_event(body))


@pytest.mark.parametrize("sender", SENDERS)
@given(data=st.data())
@SHARED
def test_bodies_made_from_a_schema_are_of_its_sender(
    invoke: Invoker, sender: str, data: st.DataObject
) -> None:
    body = data.draw(bodies_of(sender))
    assert validator(sender)(body)
    status = check(invoke, proxy_event(body))
    if status == 202:
        assert {entry["Source"] for entry in invoke.bus.taken} == {f"sre.{sender}"}


@given(body=mutations())
@SHARED
def test_broken_samples_are_taken_or_refused(invoke: Invoker, body: dict[str, Any]) -> None:
    check(invoke, proxy_event(body))


@given(alerts=st.lists(plausible_alerts, min_size=1, max_size=4))
@SHARED
def test_plausible_alerts_are_taken_or_refused_one_by_one(
    invoke: Invoker, alerts: list[dict[str, Any]]
) -> None:
    good = alertmanager_body()["alerts"][0]
    assert check(invoke, proxy_event({"version": "4", "alerts": [*alerts, good]})) == 202


@given(
    event=st.dictionaries(
        st.sampled_from(["body", "isBase64Encoded", "requestContext", "headers"]), json_values
    )
)
@SHARED
def test_no_event_makes_the_handler_fail(invoke: Invoker, event: dict[str, Any]) -> None:
    check(invoke, {**event, "httpMethod": "POST"})  # which every request of the gateway has


@given(value=json_values | alertmanager_bodies | datadog_bodies | grafana_bodies | plausible_alerts)
@settings(deadline=None, max_examples=100)
def test_compiled_and_explaining_validators_agree(value: object) -> None:
    for name in sources.names():
        fits = validator(name)(value)
        assert fits == Draft7Validator(sources.schema(name)).is_valid(value)
        if not fits:
            assert explain(name, value)


@given(
    texts_in=st.dictionaries(texts, texts, max_size=12),
    budget=st.integers(0, 400),
    limit=st.integers(8, 30),
)
@settings(deadline=None)
def test_what_is_kept_stays_within_its_budget(
    texts_in: dict[str, str], budget: int, limit: int
) -> None:
    kept, cut = fit(texts_in, ("b", "a"), limit, budget)
    assert wire_size(kept) <= budget + 2
    assert kept.keys() <= texts_in.keys()
    assert cut == (kept != texts_in)


@given(text=st.text(max_size=300))
@settings(deadline=None)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


# What secrets are made of, and what may stand between it.
pieces = st.lists(
    st.sampled_from(
        [
            *("api", "API", "Access", "private", "app", "key", "Key", "KEY", "keys", "x", "apps"),
            *("pass", "word", "pwd", "secret", "token", "cookie", "signature", "Credential"),
            *("Bearer ", "Basic ", "GenieKey ", "authorization", "hunter2hunter2hunter2", "eyJ"),
            *("npm_" + "Ab1" * 12, "hooks/", "sig=", "?", "-----BEGIN KEY-----", "_name"),
            *("AKIAIOSFODNN7EXAMPLE", "http://", "bob:hunter2@", ".", "-", "_", "=", ":", " "),
            *("\n", "\t", "&", "<", ">", '"', "\\", "\\n", "\\u0026", "/", "-" * 70, "\n" * 40),
            *("&" * 20, "é", "\u017f", "\u2028", "k"),
        ]
    ),
    max_size=6,
).map("".join)


@given(value=st.recursive(pieces, lambda inner: st.dictionaries(pieces, inner, max_size=3)))
@settings(deadline=None, max_examples=250)
def test_what_is_logged_as_it_came_holds_no_secret(value: object) -> None:
    as_go_writes_it = json.dumps(value)
    for character in "&<>":
        as_go_writes_it = as_go_writes_it.replace(character, f"\\u{ord(character):04x}")
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), as_go_writes_it):
        if is_harmless_json(text):
            assert redact_json(json.loads(text)) == json.loads(text)
            assert text.isascii()
            assert len(text.splitlines()) == 1


def test_ordinary_bodies_are_logged_as_they_came() -> None:
    for name in ("alertmanager/firing", "alertmanager/group-mixed", "grafana/firing"):
        text = json.dumps(sample(name))
        assert is_harmless_json(text)
        assert is_harmless_json(text.replace("&", "\\u0026").replace("<", "\\u003c"))
        # A letter is written as an escape only to hide it.
        assert not is_harmless_json(text.replace("checkout", "\\u0063heckout", 1))
        assert not is_harmless_json(json.dumps(sample(name), indent=1))


@given(parts=st.lists(texts, min_size=1, max_size=4))
@settings(deadline=None)
def test_identities_are_those_of_the_standard_library(parts: list[str]) -> None:
    text = json.dumps(["incident", *parts])
    assert incident_id(*parts) == str(uuid.uuid5(NAMESPACE, text))


@given(value=json_values)
@settings(deadline=None)
def test_redaction_keeps_json_json(value: object) -> None:
    json.dumps(redact_json(value))


@given(alert=plausible_alerts)
@settings(deadline=None, max_examples=100)
def test_the_order_of_keys_does_not_change_the_event(alert: dict[str, Any]) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    context = Context("bus", "000000000000", "us-east-1", "request", now)
    turned = {key: alert[key] for key in reversed(alert)}
    readings = [
        ALERTMANAGER.read({"version": "4", "alerts": [item]}, now) for item in (alert, turned)
    ]
    entries = [[entry_of(item, context)[0] for item in reading.alerts] for reading in readings]
    assert entries[0] == entries[1]


def test_the_schemas_are_where_the_tests_look() -> None:
    found = {path.name for path in (EVENTS / "schemas").glob("*.*.json")}
    assert found >= {"incident.created.json", "incident.resolved.json"}
