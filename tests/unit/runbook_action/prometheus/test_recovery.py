"""What verify answers besides the health of the target, through the handler."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook_action.prometheus.criterion import parse_criterion
from runbook_action.prometheus.port import Unanswered
from runbook_action.prometheus.recovery import recovery_of, seen_at_the_beginning
from tests.unit.runbook_action.fakes import World, request
from tests.unit.runbook_action.prometheus.canned import (
    LABELS,
    Canned,
    active,
    matrix,
    rules,
)

RULES, RANGE = "/api/v1/rules", "/api/v1/query_range"
WANTED = {"promql": 'errors{namespace="$namespace",deployment="$name"}', "is": "below 0.05"}
ALERT = {"alert_name": LABELS["alertname"], "labels": LABELS, "sender": "alertmanager"}


def asked(canned: Canned | None, wanted: Any = None, own: Any = None) -> Any:
    services = replace(World.new().services, prometheus=canned.reader if canned else None)
    call = replace(
        request("restart_deployment", "verify"),
        criterion=parse_criterion(wanted),
        own_alert=own or {},
    )
    return recovery_of(call, services)


def test_without_a_prometheus_nobody_is_asked() -> None:
    assert asked(None) is None
    assert seen_at_the_beginning(World.new().services, ALERT) is None


def test_a_runbook_that_asks_where_there_is_none_is_told_so() -> None:
    verdict = asked(None, WANTED)
    assert verdict.state == "unknown"
    assert "PrometheusWorkspaceArn or PrometheusService" in verdict.text
    assert "so what is heard of the alert counts" in verdict.text


def test_the_names_in_a_query_are_those_of_the_target() -> None:
    canned = Canned({RANGE: matrix(({}, [0.0] * 31))})
    assert asked(canned, WANTED).state == "recovered"
    assert canned.asked[0][1]["query"] == 'errors{namespace="apps",deployment="checkout"}'


def test_prometheus_that_cannot_be_asked_is_said_and_what_is_heard_counts() -> None:
    verdict = asked(Canned({RANGE: Unanswered("Service monitoring/p: no answer")}), WANTED)
    assert (verdict.state, verdict.by) == ("unknown", "promql")
    assert verdict.text == (
        "Prometheus could not be asked, so what is heard of the alert counts: "
        "Service monitoring/p: no answer"
    )


def test_the_rule_of_the_alert_is_found_at_the_beginning_and_asked_later() -> None:
    canned = Canned({RULES: rules(active()), RANGE: matrix()})
    services = replace(World.new().services, prometheus=canned.reader)
    own = seen_at_the_beginning(services, ALERT)
    assert asked(canned, own=own).state == "not-recovered"
    canned.answers[RULES] = rules()
    assert asked(canned, own=own).state == "recovered"
    assert asked(canned, {"for": "120s"}, own).text.endswith("quiet for 120 seconds")


@pytest.mark.parametrize("alert", [{**ALERT, "purpose": "canary"}, {**ALERT, "sender": "datadog"}])
def test_of_what_no_rule_of_prometheus_sends_none_is_looked_for(alert: dict[str, Any]) -> None:
    canned = Canned({})
    services = replace(World.new().services, prometheus=canned.reader)
    found = seen_at_the_beginning(services, alert)
    assert found in (None, {"why_not": "its sender is not Alertmanager"})
    assert canned.asked == []
