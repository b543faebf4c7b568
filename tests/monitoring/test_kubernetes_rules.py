"""What stands for kube-prometheus-stack's alerts on this machine: promtool's unit tests."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

from onemachine.monitoring import KUBERNETES_RULES, QUICK, REALISTIC, Pace, rule_file
from tests.monitoring.promtool import finds_fault, pinned, refuses
from tests.support.shipped import RUNBOOKS

pytestmark = pytest.mark.monitoring

CHART = RUNBOOKS / "kubernetes" / "kube-prometheus-stack.csv"
GROUPS = yaml.safe_load(rule_file([KUBERNETES_RULES]))["groups"]
CASES = sorted((Path(__file__).parent / "kubernetes").glob("*.yaml"))


@pytest.fixture(scope="module")
def promtool() -> Path:
    """The pinned promtool."""
    return pinned()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_when_they_should(promtool: Path, case: Path, tmp_path: Path) -> None:
    assert refuses(promtool, case, rule_file([KUBERNETES_RULES]), tmp_path) == ""


@pytest.mark.parametrize("pace", [REALISTIC, QUICK], ids=["realistic", "quick"])
def test_the_rules_are_valid(promtool: Path, pace: Pace, tmp_path: Path) -> None:
    assert finds_fault(promtool, rule_file([KUBERNETES_RULES], pace), tmp_path) == ""


def test_names_groups_severities_and_waits_are_those_of_the_chart() -> None:
    with CHART.open(encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    told = ("alert", "group", "severity", "for")
    charts = {tuple(row[name] for name in told) for row in csv.DictReader(lines)}
    ours = {
        (rule["alert"], group["name"], rule["labels"]["severity"], rule["for"])
        for group in GROUPS
        for rule in group["rules"]
    }
    assert ours <= charts


def test_every_rule_is_tested() -> None:
    there = {rule["alert"] for group in GROUPS for rule in group["rules"]}
    tested = {
        check["alertname"]
        for case in CASES
        for test in yaml.safe_load(case.read_text())["tests"]
        for check in test["alert_rule_test"]
        if check["exp_alerts"]
    }
    assert tested == there
