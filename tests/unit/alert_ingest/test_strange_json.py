"""JSON that no sender writes is answered: 202 where it can be read, else 400; nothing fails."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from alert_ingest.intake import MAX_DEPTH
from tests.unit.alert_ingest.bodies import alertmanager_body, proxy_event, sample
from tests.unit.alert_ingest.invoking import Invoker, data_of

DEEP = [{"pointer": "", "message": "is not JSON: nested too deeply"}]
# A body with a secret is redacted before it is logged, level by level.
SECRET = {"password": "hunter2hunter2"}


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + "1" + closing * levels


def with_text(body: dict[str, Any], text: str) -> str:
    """Write a body as JSON and add a field `extra` with this text as its value."""
    return f'{json.dumps(body)[:-1]}, "extra": {text}}}'


@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("levels", [MAX_DEPTH, 300, 600, 900, 20_000, 60_000])
@pytest.mark.parametrize("extra", [{}, SECRET], ids=["plain", "secret"])
def test_a_body_nested_too_deeply_is_refused(
    invoke: Invoker, brackets: tuple[str, str], levels: int, extra: dict[str, str]
) -> None:
    body = with_text({**alertmanager_body(), **extra}, nested(levels, *brackets))
    status, answer = invoke.body(body)
    assert (status, answer["errors"]) == (400, DEEP)
    encoded = base64.b64encode(body.encode()).decode()
    assert invoke.event(proxy_event(encoded, isBase64Encoded=True))[0] == 400
    assert invoke.bus.batches == []
    assert SECRET["password"] not in invoke.capture.readouterr().out


def test_what_is_nested_less_deeply_is_taken(invoke: Invoker) -> None:
    body = {**alertmanager_body(50), **SECRET}
    status, answer = invoke.body(with_text(body, nested(MAX_DEPTH - 1)))
    assert (status, answer["accepted"]) == (202, 50)
    assert SECRET["password"] not in invoke.capture.readouterr().out


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_an_alert_with_something_nested_is_refused_by_its_pointer(
    invoke: Invoker, where: str
) -> None:
    deep = json.loads(nested(MAX_DEPTH - 5))
    body = alertmanager_body(2)
    body["alerts"][0][where]["x"] = deep
    status, answer = invoke.body({**body, **SECRET})
    assert (status, answer["accepted"]) == (202, 1)
    (rejected,) = answer["rejected"]
    assert rejected["errors"] == [
        {"pointer": f"/alerts/0/{where}/x", "message": "must be string but is array"}
    ]


NUMBERS = ("1" * 4_300, "-" + "9" * 4_300, "1e999", "-1e999", "1." + "0" * 9_000, "1e-999", "-0")


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_any_size_are_taken_where_they_mean_nothing(
    invoke: Invoker, number: str
) -> None:
    for name in ("alertmanager/firing", "grafana/firing", "datadog/triggered"):
        body = {**sample(name), **SECRET}
        assert invoke.body(with_text(body, number))[0] == 202
    for line in invoke.capture.readouterr().out.splitlines():
        json.loads(line)


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_any_size_are_answered_where_they_mean_something(
    invoke: Invoker, number: str
) -> None:
    for name, field in (
        ("grafana/firing", "orgId"),
        ("grafana/firing", "truncatedAlerts"),
        ("alertmanager/firing", "truncatedAlerts"),
        ("datadog/triggered", "date"),
    ):
        text = json.dumps({**sample(name), field: "@"}).replace('"@"', number)
        assert invoke.body(text)[0] in {202, 400}
    values = json.dumps(sample("grafana/firing")["alerts"][0] | {"values": {"A": "@"}})
    body = {**sample("grafana/firing"), "alerts": ["@alert"]}
    text = json.dumps(body).replace('"@alert"', values.replace('"@"', number))
    assert invoke.body(text)[0] == 202


@pytest.mark.parametrize(
    "number", ["1" * 4_301, "-" + "9" * 50_000, "NaN", "Infinity", "-Infinity"]
)
def test_numbers_that_are_none_are_refused(invoke: Invoker, number: str) -> None:
    for body in ({**alertmanager_body(), **SECRET}, {"alerts": [1]}):
        status, answer = invoke.body(with_text(body, number))
        assert (status, answer["error"]) == (400, "The body is not valid JSON.")


def test_a_lone_surrogate_is_read_and_travels_as_a_question_mark(invoke: Invoker) -> None:
    for half in ("\\ud83d", "\\udd25", "\\udd25\\ud83d"):
        text = json.dumps(alertmanager_body(alerts__0__labels__alertname="Down @"))
        data = data_of(invoke, text.replace("@", half))
        assert data["alert_name"].startswith("Down ?")
        assert data["display"]["name"] == data["alert_name"]
    status, answer = invoke.body(f'{{"{half}": "{half}"}}')
    assert (status, answer["errors"][0]["pointer"]) == (400, "")


def test_of_a_key_that_comes_twice_the_last_counts(invoke: Invoker) -> None:
    text = json.dumps(alertmanager_body())
    twice = text.replace('"severity": "critical"', '"severity": "info", "severity": "critical"')
    data = data_of(invoke, twice)
    assert data["severity"] == "critical"
    status, answer = invoke.body(f'{text[:-1]}, "alerts": []}}')
    assert (status, answer["errors"][0]["pointer"]) == (400, "/alerts")


@pytest.mark.parametrize(
    "text", ["\ufeff{}", "{}\x00", "\x00", "\ud800", "'{}'", "{} {}", "\u2028{}"]
)
def test_what_only_looks_like_json_is_refused(invoke: Invoker, text: str) -> None:
    status, answer = invoke.body(text)
    assert (status, answer["error"]) == (400, "The body is not valid JSON.")
