"""The short form of ``make faults``: some faults of each kind, and every invariant holds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from onemachine.project import PROJECT_ROOT
from onemachine.stack.state import StackFolder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


def test_every_invariant_holds_whatever_breaks(stack: StackFolder) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.faults", "--short", "--seed", "11"),
            *("--name", stack.name, "--settle", "120"),
        ],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
