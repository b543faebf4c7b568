"""docs/actions.md is followed: each action has its file, rights, samples, tests and row."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.request import parse_request
from tests.integration.runbook_action.fault_cases import (
    ON_CHECKOUT,
    SCENES,
    WITHOUT_CONFLICT,
    FaultCase,
)

ROOT = Path(__file__).parents[3]
ACTIONS = ROOT / "src" / "runbook_action" / "actions"
SAMPLES = ROOT / "events" / "runbook_action"
UNIT = ROOT / "tests" / "unit" / "runbook_action"
OPERATIONS = ("plan", "execute", "verify", "undo")
OF_A_SCENE = ("prepare", "patch", "refusal", "effects", "is_done")
# The older names and the two directions of a switch are tested with the code they share.
TESTED_WITH = {
    "restart_workload": ("workload_kinds", "restart_deployment"),
    "scale_workload": ("workload_kinds", "scale_deployment"),
    "rollback_workload": ("workload_kinds", "rollback_deployment"),
    "enable_degraded_mode": ("degraded_mode",),
    "disable_degraded_mode": ("degraded_mode",),
    "uncordon_node": ("cordon_node",),
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
def test_it_has_tests_of_its_own_of_each_operation(name: str) -> None:
    files = [UNIT / f"test_{each}.py" for each in TESTED_WITH.get(name, (name,))]
    text = "\n".join(each.read_text("utf-8") for each in files)
    assert not _missing_in_tests(name, text)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", ["its name", "three tests", *OPERATIONS]),
        ("# plan execute verify undo cordon_node", ["its name", "three tests", *OPERATIONS]),
        (
            "NAME = 'cordon_node'\n" + "def test_x(): plan(); execute(); verify()\n",
            ["three tests", "undo"],
        ),
    ],
)
def test_a_file_of_tests_that_tests_nothing_is_found(text: str, missing: list[str]) -> None:
    assert _missing_in_tests("cordon_node", text) == missing


def _missing_in_tests(name: str, text: str) -> list[str]:
    """What tests of an action lack: words of comments and docstrings do not count."""
    tree = ast.parse(text)
    tests = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    ]
    spoken = " ".join(
        str(getattr(each, field))
        for each in ast.walk(tree)
        for field in ("id", "attr", "value", "module", "name", "arg")
        if isinstance(getattr(each, field, None), str)
    )
    found = {"its name": name in spoken, "three tests": len(tests) >= 3}
    found |= {each: re.search(rf"\b{each}\b", spoken) is not None for each in OPERATIONS}
    return [what for what, is_there in found.items() if not is_there]


@each_action
def test_it_meets_every_fault(name: str) -> None:
    action = REGISTRY[name]
    if action.rights:
        assert (name in SCENES) != (name in ON_CHECKOUT)
        if name in SCENES:
            # What is made, or leaves, is patched by nobody in between.
            allowed = [["patch"]] if name in WITHOUT_CONFLICT else []
            assert _wrong_with_scene(SCENES[name], action.target_kinds) in ([], *allowed)
        else:
            assert action.target_kinds in ({"deployment"}, {"node"})
    elif name != PROBE:
        told = "".join(each.read_text("utf-8") for each in UNIT.glob(f"test_{name}*.py"))
        faults = set(re.findall(r"\b(401|403|404|409|422|429|500)\b", told))
        assert faults == {"401", "403", "404", "409", "422", "429", "500"}


def test_a_scene_of_another_kind_or_that_says_nothing_is_found() -> None:
    assert _wrong_with_scene(SCENES["evict_pod"], REGISTRY["cordon_node"].target_kinds) == ["kind"]
    empty = type("Empty", (FaultCase,), {"kind": "node"})
    assert _wrong_with_scene(empty, REGISTRY["cordon_node"].target_kinds) == list(OF_A_SCENE)


def _wrong_with_scene(scene: Any, kinds: Set[str]) -> list[str]:
    """What a scene leaves unsaid, and whether it is of a kind that the action acts on."""
    unsaid = [each for each in OF_A_SCENE if getattr(scene, each) is getattr(FaultCase, each)]
    return unsaid + ([] if getattr(scene, "kind", None) in kinds else ["kind"])


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
