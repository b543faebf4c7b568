"""The operator's tool is installed with what it imports, and runs without the stack's extra."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import shipped

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OPERATOR = [Requirement(line) for line in PROJECT["dependencies"]]
LOCAL = [Requirement(line) for line in PROJECT["optional-dependencies"]["local"]]
MCP = [Requirement(line) for line in PROJECT["optional-dependencies"]["mcp"]]
HOUSES = {"srectl", "onemachine", "alert_ingest", "runbook_action", "checkout"}
# botocore comes with boto3, at the version that boto3 asks for.
BROUGHT_ALONG = {"botocore"}

WITHOUT_EXTRA = """
import importlib.abc, sys
BLOCKED = {blocked!r}
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
import onemachine.commands
onemachine.commands.missing = lambda: "ministack"
from srectl import cli
cli.main()
"""


def _names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(each.name) for each in requirements}


def _imported(house: str) -> Iterator[str]:
    """Give the modules that a package imports at run time."""
    for file in (ROOT / house).rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        typing = [
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for inner in ast.walk(node)
        ]
        for node in ast.walk(tree):
            if node in typing:
                continue
            if isinstance(node, ast.Import):
                yield from (each.name.partition(".")[0] for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


@pytest.mark.parametrize(
    ("house", "declared"),
    [("srectl", [*OPERATOR, *MCP]), ("onemachine", [*OPERATOR, *LOCAL])],
)
def test_what_a_package_imports_is_declared(house: str, declared: list[Requirement]) -> None:
    modules = {*_imported(house)} - set(sys.stdlib_module_names) - HOUSES
    distributions = packages_distributions()
    needed = {canonicalize_name(distributions[module][0]) for module in modules}
    assert needed - BROUGHT_ALONG <= _names(declared)


def test_every_dependency_is_pinned_to_a_version_that_it_allows() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and line[0] != "#")
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    for each in (*OPERATOR, *LOCAL, *MCP):
        assert each.specifier.contains(pinned[canonicalize_name(each.name)]), each


@cache
def _blocked() -> set[str]:
    return {
        module
        for module, distributions in packages_distributions().items()
        if canonicalize_name(distributions[0]) in _names([*LOCAL, *MCP]) - {"jmespath", "urllib3"}
    }


def _run(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    blocked = _blocked()
    assert {"ministack", "cryptography", "kubernetes", "samtranslator", "mcp"} <= blocked
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA.format(blocked=blocked), *words],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "SRECTL_STATE_DIR": str(home),  # a stack of this checkout may run beside the tests
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_the_extra_the_operators_commands_run(tmp_path: Path) -> None:
    listed = _run("--help", home=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert re.search(r"^  incidents +List", listed.stdout, re.MULTILINE)
    validated = _run("runbooks", "validate", "--folder", str(shipped.RUNBOOKS), home=tmp_path)
    assert validated.returncode == 0, validated.stderr
    asked = _run("incidents", "list", home=tmp_path)
    assert asked.returncode == 1
    assert asked.stderr.startswith("error: AWS cannot be used: no AWS region is chosen\n")


@pytest.mark.parametrize(
    "name", ["up", "down", "env", "logs", "demo", "drill", "local up", "local status"]
)
def test_without_the_extra_the_stacks_commands_say_how_to_get_them(
    name: str, tmp_path: Path
) -> None:
    result = _run(*name.split(), "--whatever", home=tmp_path)
    name = name.removeprefix("local ")
    assert result.returncode == 1
    error, hint = result.stderr.splitlines()
    assert error == f"error: 'srectl {name} --whatever' cannot run: it lacks ministack"
    assert "'make setup'" in hint


def test_without_its_extra_what_speaks_to_assistants_says_how_to_get_it(tmp_path: Path) -> None:
    result = _run("mcp", home=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    error, hint = result.stderr.splitlines()
    assert error == "error: 'srectl mcp' cannot run: it lacks anyio"
    assert "pipx install --force '.[mcp]'" in hint
