"""``srectl runbooks test`` finds what has changed, and says what is wrong with a test itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from srectl.cli import cli
from tests.support import shipped

TEST = """
files: [deployment.yaml]
tests:
  - name: it restarts
    alert: {name: CheckoutDown, severity: critical, labels: {namespace: apps, deployment: checkout}}
    expect:
      runbook: CheckoutDown
      target: deployment apps/checkout
      steps: [{result: done, refused: ""}]
      undo: [step-1]
"""
DEPLOYMENT = """
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: apps}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout, namespace: apps}
spec: {replicas: 3, selector: {matchLabels: {app: checkout}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(shipped.RUNBOOKS / "checkout-down.yaml", tmp_path)
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "deployment.yaml").write_text(DEPLOYMENT)
    (tests / "down.yaml").write_text(
        TEST.replace("deployment.yaml", "../manifests/deployment.yaml")
    )
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["runbooks", "test", "--folder", str(folder), *arguments])


def document(answer: Result) -> Any:
    """Give what a program reads of tests that did not pass; why it ended so is its last line."""
    found, end = json.JSONDecoder().raw_decode(answer.output)
    error = json.loads(answer.output[end:])["error"]
    assert answer.exit_code == error["exit_code"] == 1
    assert "'untested'" in error["hint"]
    return found


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_what_is_as_expected_ends_well(folder: Path) -> None:
    answer = run(folder)
    assert answer.exit_code == 0, answer.output
    assert "✓ down.yaml: it restarts" in answer.output
    assert "1 test of 1 runbook in " in answer.output
    assert "all as expected" in answer.output


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("on_failure: undo", "on_failure: keep", ["/undo:", "- step-1", "(nothing was found)"]),
        ("action: restart_deployment", "action: probe_cluster", ["- done", "+ unchanged"]),
        ("name: checkout}", "name: basket}", ["/target:", "- deployment apps/checkout"]),
        ("name: CheckoutDown", "name: CheckoutUp", ["no runbook", "CheckoutUp is selected by no"]),
        ("severities: [critical]", "severities: [warning]", ["/steps:", "- 1 steps"]),
    ],
)
def test_a_changed_runbook_is_found(folder: Path, old: str, new: str, shown: list[str]) -> None:
    change(folder / "checkout-down.yaml", old, new)
    answer = run(folder)
    assert answer.exit_code == 1
    said = answer.output + run(folder, "--json").output
    for part in shown:
        assert part in said


def test_what_is_expected_to_be_nothing_is_said_so(folder: Path) -> None:
    (written,) = (folder / "tests").glob("*.yaml")
    change(written, "undo: [step-1]", "undo: []")
    answer = run(folder)
    assert answer.exit_code == 1
    assert "(nothing was expected)" in answer.output


def test_the_summary_does_not_call_well_what_is_not(folder: Path) -> None:
    shutil.copy(shipped.RUNBOOKS / "checkout-saturation.yaml", folder)
    answer = run(folder)
    assert answer.exit_code == 1
    assert "CheckoutSaturation is selected by no test" in answer.output
    assert "1 runbook untested" in answer.output
    assert "all as expected" not in answer.output
    change(folder / "tests" / "down.yaml", "target: deployment", "target: statefulset")
    assert "1 differs, 1 runbook untested" in run(folder).output


def test_why_nothing_was_done_is_told_where_that_was_not_expected(folder: Path) -> None:
    change(folder / "tests" / "down.yaml", "files:", "stack: {namespaces: [shop]}\nfiles:")
    said = " ".join(run(folder).output.split())
    assert "why nothing was done: ActionRefused: namespace apps is not one" in said


@pytest.mark.parametrize("option", [["--json"], ["--output", "json"]])
def test_json_is_asked_for_as_everywhere(folder: Path, option: list[str]) -> None:
    assert json.loads(run(folder, *option).stdout)["passed"] is True


def test_json_tells_all_that_was_found(folder: Path) -> None:
    change(folder / "tests" / "down.yaml", "undo: [step-1]", "undo: []")
    answer = run(folder, "--json")
    assert answer.exit_code == 1
    report = document(answer)
    (test,) = report["tests"]
    assert report["passed"] is False
    assert test["differences"]
    assert test["found"]["locks"] == ["target#sre-platform#apps#deployment#checkout"]
    assert test["found"]["steps"][0]["plan"][0].startswith("Deployment apps/checkout: ")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: it restarts", "nam: it restarts", "down.yaml: /tests/0"),
        ("severity: critical, ", "", "/tests/0/alert: severity is missing"),
        ("result: done", "result: fine", "/tests/0/expect/steps/0/result"),
        ("manifests/deployment.yaml", "manifests/gone.yaml", "/files: ../manifests/gone.yaml"),
        ("tests:", "now: noon\ntests:", "/now: "),
        ("tests:", "now: '2026-01-01T00:00:00'\ntests:", "a time needs its zone"),
        ("undo: [step-1]", "undo: [step-1]\n      undo: []", "stands here a second time"),
        ("{name: CheckoutDown,", "{event: x.json, name: CheckoutDown,", "/tests/0/alert/name"),
    ],
)
def test_what_is_wrong_with_a_test_file_is_said_at_its_place(
    folder: Path, old: str, new: str, problem: str
) -> None:
    change(folder / "tests" / "down.yaml", old, new)
    answer = run(folder)
    assert answer.exit_code == 1
    assert problem in answer.output


@pytest.mark.parametrize(
    ("objects", "problem"),
    [
        ("[{apiVersion: v1, kind: Widget, metadata: {name: x}}]", "no action looks at a v1 Widget"),
        ("[{apiVersion: v1, kind: Pod, metadata: {namespace: x}}]", "a Pod has no metadata.name"),
        ("[{apiVersion: v1, kind: Pod, metadata: {name: x}}]", "Pod x has no metadata.namespace"),
    ],
)
def test_an_object_that_no_cluster_would_hold_is_a_difference(
    folder: Path, objects: str, problem: str
) -> None:
    change(folder / "tests" / "down.yaml", "tests:", f"objects: {objects}\ntests:")
    answer = run(folder)
    assert answer.exit_code == 1
    assert f"it could not be run: {problem}" in answer.output


def test_what_is_taken_away_was_there(folder: Path) -> None:
    gone = "without: [deployment apps/checkout]\n    expect"
    change(folder / "tests" / "down.yaml", "expect", gone)
    assert "TargetNotFound" in run(folder, "--json").output
    change(folder / "tests" / "down.yaml", "apps/checkout]", "apps/basket]")
    assert "there is no deployment apps/basket that could be taken away" in run(folder).output


def test_a_catalogue_without_tests_is_told_where_to_begin(folder: Path) -> None:
    shutil.rmtree(folder / "tests")
    answer = run(folder)
    assert answer.exit_code == 1
    assert "there is no folder" in answer.output


def test_a_team_has_its_tests_in_its_own_folder(folder: Path) -> None:
    team = folder / "payments"
    (team / "tests").mkdir(parents=True)
    text = (folder / "checkout-down.yaml").read_text()
    (team / "down.yaml").write_text(text.replace("name: CheckoutDown", "name: RefundsDown", 1))
    untested = run(folder)
    assert untested.exit_code == 1
    assert "runbook RefundsDown is selected by no test" in untested.output
    change_of_name = TEST.replace("CheckoutDown", "RefundsDown")
    (team / "tests" / "down.yaml").write_text(
        change_of_name.replace("deployment.yaml", "../../manifests/deployment.yaml")
    )
    answer = run(folder)
    assert answer.exit_code == 0, answer.output
    assert "✓ down.yaml: it restarts" in answer.output
    assert "✓ payments/tests/down.yaml: it restarts" in answer.output
    assert "2 tests of 2 runbooks" in answer.output
    alone = run(team)
    assert alone.exit_code == 0, alone.output


@pytest.mark.parametrize("name", ["more/down.yaml", "down.yml", "more/down.yml"])
def test_a_file_of_tests_that_nothing_reads_is_a_fault(folder: Path, name: str) -> None:
    unread = folder / "tests" / name
    unread.parent.mkdir(exist_ok=True)
    unread.write_text((folder / "tests" / "down.yaml").read_text())
    answer = run(folder)
    assert answer.exit_code == 1
    assert f"{name} is read by nothing" in " ".join(answer.output.split())
    told = document(run(folder, "--json"))
    assert told["not_read"] == [name]
    assert told["passed"] is False


def test_a_manifest_beside_the_tests_is_read_where_a_test_names_it(folder: Path) -> None:
    beside = folder / "tests" / "objects"
    beside.mkdir()
    (folder / "manifests" / "deployment.yaml").rename(beside / "deployment.yaml")
    change(folder / "tests" / "down.yaml", "../manifests/", "objects/")
    assert run(folder).exit_code == 0
