"""The shipped alerts fire when they should, only then, and resolve: promtool's unit tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from srectl.local.binaries import BinaryUnavailable, find
from srectl.local.monitoring import QUICK, REALISTIC, SHIPPED_RULES, Pace, rule_file

pytestmark = pytest.mark.monitoring

CASES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.fixture(scope="module")
def promtool() -> Path:
    """The pinned promtool."""
    try:
        return find("prometheus") / "promtool"
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_and_resolve(promtool: Path, case: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(rule_file(SHIPPED_RULES))
    shutil.copy(case, tmp_path)
    result = subprocess.run(
        [promtool, "test", "rules", case.name], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("pace", [REALISTIC, QUICK], ids=["realistic", "quick"])
def test_the_rules_are_valid(promtool: Path, pace: Pace, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(rule_file(SHIPPED_RULES, pace))
    result = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", file],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_has_cases_and_what_the_platform_reads() -> None:
    (group,) = yaml.safe_load(rule_file(SHIPPED_RULES))["groups"]
    assert group["interval"] == "30s"
    tested = {
        check["alertname"]
        for case in CASES
        for test in yaml.safe_load(case.read_text())["tests"]
        for check in test["alert_rule_test"]
    }
    for rule in group["rules"]:
        assert rule["alert"] in tested
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert {"deployment", "runbook"} <= set(rule["labels"])
        assert {"summary", "description", "runbook_url"} <= set(rule["annotations"])
        assert "namespace" in rule["expr"]
