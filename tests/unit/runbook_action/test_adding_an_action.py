"""docs/actions.md is followed: each action has its file, rights, samples, tests and row."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.request import parse_request
from tests.integration.runbook_action.fault_cases import ON_CHECKOUT, SCENES

ROOT = Path(__file__).parents[3]
ACTIONS = ROOT / "src" / "runbook_action" / "actions"
SAMPLES = ROOT / "events" / "runbook_action"
UNIT = ROOT / "tests" / "unit" / "runbook_action"
OPERATIONS = ("plan", "execute", "verify", "undo")
# The older names and the two directions of a switch are tested with the code they share.
TESTED_WITH = {
    "restart_workload": "workload_kinds",
    "scale_workload": "workload_kinds",
    "rollback_workload": "workload_kinds",
    "enable_degraded_mode": "degraded_mode",
    "disable_degraded_mode": "degraded_mode",
    "uncordon_node": "cordon_node",
}
# It changes nothing, and has a table of its own in test_faults.
PROBE = "probe_cluster"
each_action = pytest.mark.parametrize("name", REGISTRY)


@each_action
def test_it_is_one_file_of_its_name_that_says_what_it_is_for(name: str) -> None:
    tree = ast.parse((ACTIONS / f"{name}.py").read_text("utf-8"))
    assert f"``{name}``" in (ast.get_docstring(tree) or "")
    assert REGISTRY[name].name == name


@each_action
def test_it_declares_what_it_needs_for_each_kind_of_target(name: str) -> None:
    action = REGISTRY[name]
    assert action.target_kinds
    if action.rights:
        assert set(action.rights) == action.target_kinds
        assert all(action.rights.values())
    else:
        assert action.aws_rights or name == PROBE


@each_action
def test_it_has_a_sample_of_each_operation_that_is_understood(name: str) -> None:
    for operation in OPERATIONS:
        event = json.loads((SAMPLES / f"{name}-{operation}.json").read_text("utf-8"))
        asked = parse_request(event, REGISTRY, frozenset({"apps"}))
        assert (asked.action, asked.operation) == (name, operation)


@each_action
def test_it_has_tests_of_its_own_and_meets_every_fault(name: str) -> None:
    tests = UNIT / f"test_{TESTED_WITH.get(name, name)}.py"
    assert tests.exists()
    if REGISTRY[name].rights:
        assert (name in SCENES) != (name in ON_CHECKOUT)
    elif name != PROBE:
        told = "".join(each.read_text("utf-8") for each in UNIT.glob(f"test_{name}*.py"))
        faults = set(re.findall(r"\b(401|403|404|409|422|429|500)\b", told))
        assert faults == {"401", "403", "404", "409", "422", "429", "500"}


def test_the_page_has_a_row_for_each_action_and_for_no_other() -> None:
    text = (ROOT / "docs" / "actions.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(REGISTRY)


@each_action
def test_the_page_says_which_kinds_it_acts_on(name: str) -> None:
    text = (ROOT / "docs" / "actions.md").read_text("utf-8")
    (row,) = [
        line
        for line in text.splitlines()
        if line.startswith("| `") and f"`{name}`" in line.split("|")[1]
    ]
    kinds = {each.strip() for each in row.split("|")[2].split(",")}
    found = REGISTRY[name].target_kinds
    assert kinds == ({"any"} if len(found) > 4 else found)


@each_action
def test_what_cannot_be_undone_and_is_no_mere_restart_asks(name: str) -> None:
    source = inspect.getdoc(type(REGISTRY[name]).undo) or ""
    assert source, "undo says what it takes back"
    assert REGISTRY[name].asks is (name in {"expand_volume", "run_automation"})
