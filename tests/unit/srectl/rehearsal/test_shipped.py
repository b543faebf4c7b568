"""The tests of this checkout's runbooks pass, and each shipped one is tested as the guide asks.

That is: where it acts, where it refuses, and what is not its target.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from srectl import runbooks
from srectl.cli import cli
from tests.support import shipped
from tests.support.template import ROOT

NAMES = [one.name for one in runbooks.load(shipped.RUNBOOKS)]


def report_on(folder: Path) -> dict[str, Any]:
    answer = CliRunner().invoke(cli, ["runbooks", "test", "--folder", str(folder), "--json"])
    found: dict[str, Any] = json.loads(answer.stdout)
    assert answer.exit_code == (0 if found["passed"] else 1)
    return found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return report_on(shipped.checkout(tmp_path_factory.mktemp("checkout")))


def test_what_is_expected_comes_of_every_alert() -> None:
    report = report_on(ROOT / "runbooks")
    differ = {test["name"]: test["differences"] for test in report["tests"] if test["differences"]}
    assert differ == {}
    assert report["passed"] is True


@pytest.mark.parametrize("runbook", NAMES)
def test_each_acts_in_one_test_and_in_another_does_not(
    report: dict[str, Any], runbook: str
) -> None:
    found = [test["found"] for test in report["tests"] if test["found"]["runbook"] == runbook]
    results = [{step["result"] for step in each["steps"]} for each in found]
    # The heartbeat's action changes nothing by design.
    acts = {"unchanged"} if runbook == "PlatformCanary" else {"done"}
    assert any(acts & each for each in results)
    refuses = [each for each in results if "refused" in each]
    other = [each for each in found if each["escalates"] and not each["steps"]]
    assert other, "no test in which it must not act at all"
    assert refuses or runbook == "PlatformCanary", "no test in which its action refuses"
