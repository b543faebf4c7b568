"""A checkout to install from, and stand-ins to install with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from srectl.installing import plan
from srectl.installing.plan import Plan
from tests.support.standins import World

ROOT = Path(__file__).parents[4]


@pytest.fixture
def listed() -> Plan:
    """The list of steps as it is shipped."""
    return plan.load(ROOT)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that may be written to."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "eks", root / "eks", ignore=shutil.ignore_patterns("schemas"))
    for name in ("checkout_app", "events", "runbooks", "template.yaml"):
        (root / name).symlink_to(ROOT / name)
    return root


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The stand-ins, on PATH."""
    world = World.begun(tmp_path / "world")
    monkeypatch.setenv("PATH", world.path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return world
