"""The shipped alerts fire when they should, only then, and resolve: promtool's unit tests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.monitoring import QUICK, REALISTIC, SHIPPED_RULES, Pace, rule_file
from srectl import runbooks
from tests.monitoring.asked_rules import asked_rules
from tests.monitoring.promtool import finds_fault, pinned, refuses
from tests.support.shipped import RUNBOOKS

pytestmark = pytest.mark.monitoring

ROOT = Path(__file__).parents[2]
CASES = sorted(Path(__file__).parent.glob("*.yaml"))
GROUPS = yaml.safe_load(rule_file(SHIPPED_RULES))["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}
# The uid of each dashboard of checkout, and the chart's own on the pods of a node.
BOARDS = {
    json.loads(file.read_text("utf-8"))["uid"]
    for file in (SHIPPED_RULES[0].parents[1] / "dashboards").glob("checkout-*.json")
}
OF_A_NODE = "200ac8fdbfbb74b39aff88118e4d1c2c?var-node={{$labels.node}}"
# Sent by a schedule of template.yaml, to see that the platform is alive; and an example.
NOT_OF_PROMETHEUS = {"PlatformCanary", "WorkloadCrashLooping"}
# Slow burns have causes that somebody has to find, and a drain takes such a load elsewhere. Of the
# others the reason stands beside the rule.
FOR_A_HUMAN = {
    "CheckoutErrorBudgetBurnFast",
    "CheckoutErrorBudgetBurnSlow",
    "CheckoutLatencyBudgetBurnFast",
    "CheckoutLatencyBudgetBurnSlow",
    "CheckoutNotScraped",
    "CheckoutPodOutOfMemory",
    "CheckoutReplicasUnavailable",
    "NodeMemoryPressure",
    "NodePidPressure",
}


@pytest.fixture(scope="module")
def promtool() -> Path:
    """The pinned promtool."""
    return pinned()


def checks_of(alert: str) -> list[list[dict[str, Any]]]:
    """What is expected of an alert, test by test, each in the order of time."""
    tests = [test for case in CASES for test in yaml.safe_load(case.read_text())["tests"]]
    return [
        [check for check in test["alert_rule_test"] if check["alertname"] == alert]
        for test in tests
        if any(check["alertname"] == alert for check in test["alert_rule_test"])
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_and_resolve(promtool: Path, case: Path, tmp_path: Path) -> None:
    tests = yaml.safe_load(case.read_text())["tests"]
    about = {check["alertname"] for test in tests for check in test["alert_rule_test"]}
    assert refuses(promtool, case, yaml.safe_dump(asked_rules(GROUPS, about)), tmp_path) == ""


@pytest.mark.parametrize("pace", [REALISTIC, QUICK], ids=["realistic", "quick"])
def test_the_rules_are_valid(promtool: Path, pace: Pace, tmp_path: Path) -> None:
    assert finds_fault(promtool, rule_file(SHIPPED_RULES, pace), tmp_path) == ""


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_seen_to_fire_to_resolve_and_to_stay_silent(alert: str) -> None:
    outcomes = [[bool(check["exp_alerts"]) for check in checks] for checks in checks_of(alert)]

    assert any(True in fired for fired in outcomes), "no test sees it fire"
    assert any(fired and not fired[0] and True in fired for fired in outcomes), (
        "no test sees it wait"
    )
    assert any(True in fired and not fired[-1] for fired in outcomes), "no test sees it resolve"
    assert any(True not in fired for fired in outcomes), "no test sees it stay silent"


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_says_what_the_platform_and_its_people_read(alert: str) -> None:
    labels, annotations = ALERTS[alert]["labels"], ALERTS[alert]["annotations"]
    fired = [
        each["exp_labels"]
        for checks in checks_of(alert)
        for c in checks
        for each in c["exp_alerts"]
    ]

    assert labels["severity"] in ("critical", "warning", "info")
    assert all({"namespace", "deployment"} <= set(each) or "node" in each for each in fired)
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert annotations["runbook_url"].endswith(f"/{alert}")
    assert "for" in ALERTS[alert]
    board = annotations["dashboard_url"].removeprefix("https://grafana.example.com/d/")
    assert board == OF_A_NODE if alert.startswith("Node") else board in BOARDS


def test_every_runbook_has_its_alert_and_every_alert_its_runbook() -> None:
    # Those of runbooks/kubernetes answer the rules of the chart, which are not in this project.
    catalogue = {
        each.name: each.definition
        for each in runbooks.load(RUNBOOKS)
        if each.source.parent.name == "runbooks"
    }
    selected = {alert: rule["labels"].get("runbook") for alert, rule in ALERTS.items()}

    assert set(filter(None, selected.values())) == set(catalogue) - NOT_OF_PROMETHEUS
    assert {alert for alert, runbook in selected.items() if runbook is None} == FOR_A_HUMAN
    for alert, runbook in selected.items():
        if runbook is not None:
            assert ALERTS[alert]["labels"]["severity"] in catalogue[runbook]["severities"]


def test_alerts_are_evaluated_as_often_as_was_asked_for() -> None:
    intervals = {
        group["interval"] for group in GROUPS for rule in group["rules"] if "alert" in rule
    }
    assert intervals == {"30s"}


def test_an_alert_on_checkout_looks_at_its_namespace_only() -> None:
    for alert, rule in ALERTS.items():
        metrics = re.findall(r"\b(?:checkout|kube|container)_\w+\b|\bup\b|\bALERTS\b", rule["expr"])
        if alert.startswith("Checkout") and metrics:
            assert rule["expr"].count('namespace="apps"') == len(metrics), alert
