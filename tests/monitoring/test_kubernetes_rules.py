"""What stands for kube-prometheus-stack's alerts on this machine: promtool's unit tests."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from onemachine.binaries import BinaryUnavailable, find
from onemachine.monitoring import KUBERNETES_RULES, QUICK, REALISTIC, Pace, rule_file
from onemachine.project import PROJECT_ROOT

pytestmark = pytest.mark.monitoring

CHART = PROJECT_ROOT / "runbooks" / "kubernetes" / "kube-prometheus-stack.csv"
GROUPS = yaml.safe_load(rule_file([KUBERNETES_RULES]))["groups"]
CASES = sorted((Path(__file__).parent / "kubernetes").glob("*.yaml"))


@pytest.fixture(scope="module")
def promtool() -> Path:
    """The pinned promtool."""
    try:
        return find("prometheus") / "promtool"
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_when_they_should(promtool: Path, case: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(rule_file([KUBERNETES_RULES]))
    shutil.copy(case, tmp_path)
    result = subprocess.run(
        [promtool, "test", "rules", case.name], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("pace", [REALISTIC, QUICK], ids=["realistic", "quick"])
def test_the_rules_are_valid(promtool: Path, pace: Pace, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(rule_file([KUBERNETES_RULES], pace))
    result = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", file],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


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
