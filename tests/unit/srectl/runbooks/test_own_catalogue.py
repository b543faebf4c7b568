"""A team's own catalogue breaks no test of the platform."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support import operators_choices, shipped
from tests.support.template import ROOT
from tests.unit.srectl.runbooks.writing_guide import BLOCKS

#: What holds for any catalogue, and is asked of this checkout's.
OF_ANY_CATALOGUE = (
    "tests/unit/srectl/operate/test_rbac.py",
    "tests/unit/srectl/rehearsal/test_shipped.py",
    "tests/unit/srectl/runbooks/test_answers.py",
    "tests/unit/srectl/runbooks/test_catalogue.py",
    "tests/unit/srectl/runbooks/test_checks.py",
)
#: These, where they do that; and what broke before, as it runs commands where the checkout is.
CONCERNED = (
    f"{OF_ANY_CATALOGUE[0]}::test_the_manifests_of_a_checkout_are_what_it_prints",
    f"{OF_ANY_CATALOGUE[1]}::test_what_is_expected_comes_of_every_alert",
    f"{OF_ANY_CATALOGUE[2]}::test_the_page_of_the_docs_is_what_the_catalogue_of_this_checkout_says",
    f"{OF_ANY_CATALOGUE[3]}::test_the_catalogue_of_this_checkout_is_valid",
    f"{OF_ANY_CATALOGUE[4]}::test_the_catalogue_of_this_checkout_can_do_what_it_says",
    "tests/unit/eks/test_cluster.py::"
    "test_the_access_entry_names_the_group_that_the_role_binding_binds",
    "tests/unit/onemachine/commands/test_commands.py::test_a_wrong_runbook_is_shown_with_its_faults",
    "tests/unit/runbook_action/resolve/test_named.py::test_every_shipped_runbook_resolves",
    "tests/unit/runbook_action/test_probe_cluster.py",
    "tests/unit/srectl/commands/test_nearest_stack.py::test_a_command_that_asks_no_aws_says_nothing",
    "tests/unit/srectl/operate/test_as_json.py::test_it_is_one_document",
    "tests/unit/srectl/operate/test_runbook_modes.py::"
    "test_a_runbook_whose_answers_are_not_published_is_told_as_changed",
    "tests/unit/srectl/test_packaging.py::test_without_the_extra_the_operators_commands_run",
)
#: Of the commands whose document is read, those on runbooks.
ONLY = ("-k", "runbooks or not one_document")
_CHECKOUT = re.compile(r"""\b(?:ROOT|PROJECT_ROOT) / ["']runbooks["'/]""")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A checkout with the guide's runbook, one that is tuned, and one of the shipped left out."""
    made_elsewhere = shutil.ignore_patterns(".*", "build")  # its tools, not what it consists of
    place = Path(shutil.copytree(ROOT, tmp_path / "team", ignore=made_elsewhere, symlinks=True))
    (place / ".venv").symlink_to(Path(sys.prefix))
    catalogue = place / "runbooks"
    for own in catalogue.rglob("*.yaml"):  # this checkout may be a team's, too
        own.unlink()
    shutil.copytree(shipped.RUNBOOKS, catalogue, dirs_exist_ok=True)
    for block in BLOCKS:
        if block.file:
            (place / block.file).write_text(block.text)
    tuned = catalogue / "checkout-down.yaml"
    tuned.write_text(f"{tuned.read_text()}mode: observe\n")
    (catalogue / "node-disk-pressure.yaml").unlink()
    about = catalogue / "tests" / "nodes.yaml"
    tests = yaml.safe_load(about.read_text())
    tests["tests"] = [each for each in tests["tests"] if "NodeDiskPressure" not in str(each)]
    about.write_text(yaml.safe_dump(tests))
    return place


def run(place: Path, *words: str) -> None:
    environment = dict(os.environ)
    operators_choices.forget(environment)
    environment |= {"PYTHONPATH": str(place), "SRECTL_NAMESPACES": "apps,shop"}
    done = subprocess.run(
        words, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


def test_with_the_guides_runbook_one_tuned_and_one_left_out_the_tests_pass(team: Path) -> None:
    run(team, "make", "--old-file=.venv/.ready", "manifests", "answers")
    assert "namespace: shop" in (team / "eks/apps/base/remediation-rbac.yaml").read_text()
    run(team, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CONCERNED, *ONLY)


def test_only_what_holds_for_any_catalogue_is_asked_of_this_checkouts() -> None:
    """All others take `tests.support.shipped`."""
    asking = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if _CHECKOUT.search(path.read_text("utf-8"))
    }
    assert asking == set(OF_ANY_CATALOGUE)
