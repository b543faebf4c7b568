"""The rule of the alert itself, compared as data and seen firing before its silence counts."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.prometheus.own_alert import by_rule, seen_firing
from runbook_action.prometheus.port import Unanswered
from tests.unit.runbook_action.prometheus.canned import (
    LABELS,
    NOW,
    Canned,
    active,
    matrix,
    rules,
)

NAME = LABELS["alertname"]
AS_SENT = {**LABELS, "cluster": "sre-platform"}  # external_labels come on top
RULES, RANGE = "/api/v1/rules", "/api/v1/query_range"


def seen(answer: Any = None, **labels: str) -> dict[str, Any]:
    canned = Canned({RULES: answer if answer is not None else rules(active())})
    return seen_firing(canned.reader, NAME, {**AS_SENT, **labels})


def later(answer: Any, alerts: Any = None) -> tuple[str, str, Canned]:
    canned = Canned({RULES: answer, RANGE: alerts or matrix()})
    verdict = by_rule(canned.reader, seen(), NOW, 60)
    return verdict.state, verdict.text, canned


def test_what_fired_and_is_quiet_has_recovered() -> None:
    found = seen()
    assert found["labels"] == LABELS
    state, text, canned = later(rules())
    assert (state, text) == ("recovered", "the rule of the alert has been quiet for 60 seconds")
    assert canned.asked[0] == (RULES, {"type": "alert", "rule_name[]": NAME})
    assert canned.asked[1][1]["query"] == (
        'ALERTS{alertname="CheckoutHighErrorRate",deployment="checkout",namespace="apps",'
        'severity="critical"}'
    )


@pytest.mark.parametrize(
    ("answer", "alerts", "state", "text"),
    [
        (rules(active()), None, "not-recovered", "is firing"),
        (rules(active("pending")), None, "not-recovered", "is pending"),
        (rules(), matrix(({}, [1])), "recovering", "was active within 60 seconds"),
        (rules(active(deployment="basket")), None, "recovered", "quiet"),
        (rules(health="err"), None, "unknown", "could not be evaluated"),
        (rules(lastEvaluation="2026-11-23T15:14:00Z"), None, "unknown", "52 seconds ago"),
        (rules(lastEvaluation="0001-01-01T00:00:00Z"), None, "unknown", "evaluated never"),
        (rules(query="errors > 0.5"), None, "unknown", "gone or was changed"),
        (rules(name="Another"), None, "unknown", "gone or was changed"),
        ({"status": "success", "data": {"groups": []}}, None, "unknown", "gone or was changed"),
    ],
    ids=range(10),
)
def test_what_is_active_or_not_looked_at_any_more_is_no_recovery(
    answer: Any, alerts: Any, state: str, text: str
) -> None:
    found = later(answer, alerts)
    assert found[0] == state
    assert text in found[1]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (rules(name="Another"), "no rule of the alert's name"),
        (rules(), "no alert of this name and these labels"),
        (rules(active("pending")), "no alert of this name"),
        (rules(active(namespace="shop")), "no alert of this name"),
        (rules(active(), active(extra="1")), "2 alerts of this name"),
        (rules(active(**{"a.b": "1"})), "a name that a query cannot hold"),
        (rules(active(extra="x" * 4000)), "more labels than can be asked for"),
        (Unanswered("nobody answers"), "nobody answers"),
    ],
    ids=range(8),
)
def test_an_alert_that_was_not_seen_firing_says_nothing_later(answer: Any, why: str) -> None:
    found = seen(answer)
    assert why in found["why_not"]
    verdict = by_rule(Canned({}).reader, found, NOW, 60)
    assert verdict.state == "unknown"
    assert why in verdict.text


@pytest.mark.parametrize("missing", ["namespace", "deployment"])
def test_an_alert_that_does_not_name_its_object_is_not_taken_for_the_only_one_that_fires(
    missing: str,
) -> None:
    """That one may be of another namespace, and its silence would close this incident."""
    canned = Canned({RULES: rules(active())})
    came = {key: text for key, text in AS_SENT.items() if key != missing}
    found = seen_firing(canned.reader, NAME, came)
    assert "no alert of this name and these labels" in found["why_not"]
    assert by_rule(canned.reader, found, NOW, 60).state == "unknown"


def test_a_label_that_names_nothing_may_be_dropped_on_the_way() -> None:
    came = {key: text for key, text in AS_SENT.items() if key != "severity"}
    assert "rule" in seen_firing(Canned({RULES: rules(active())}).reader, NAME, came)


def test_a_label_that_alertmanager_was_told_to_change_is_not_taken_for_another_alert() -> None:
    assert "why_not" in seen(severity="page")


def test_the_text_of_an_alert_is_compared_and_never_asked_for() -> None:
    evil = 'x"} or vector(1) or y{a="'
    canned = Canned({RULES: rules(active())})
    assert "why_not" in seen_firing(canned.reader, evil, {"alertname": evil, "namespace": evil})
    assert canned.asked == [(RULES, {"type": "alert", "rule_name[]": evil})]
    # What Prometheus itself has as a label stands for itself, too.
    odd = Canned({RULES: rules(active(path='a"b\\')), RANGE: matrix()})
    found = seen_firing(odd.reader, NAME, AS_SENT)
    odd.answers[RULES] = rules()
    by_rule(odd.reader, found, NOW, 60)
    assert 'path="a\\"b\\\\"' in odd.asked[-1][1]["query"]
