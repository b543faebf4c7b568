"""promtool, which the tests of rules ask."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from onemachine.binaries import BinaryUnavailable, find


def pinned() -> Path:
    """Give the pinned promtool; a machine without one fails the test and is told why."""
    try:
        return find("prometheus") / "promtool"
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)


def refuses(tool: Path, case: Path, rules: str, folder: Path) -> str:
    """Evaluate a case against the text of a rule file; gives what is not as expected, or ""."""
    (folder / "rules.yaml").write_text(rules)
    shutil.copy(case, folder)
    result = subprocess.run(
        [tool, "test", "rules", case.name], cwd=folder, capture_output=True, text=True
    )
    return "" if result.returncode == 0 else result.stdout + result.stderr or "it failed"


def finds_fault(tool: Path, rules: str, folder: Path) -> str:
    """Check the text of a rule file; gives what is wrong with it, or ""."""
    file = folder / "rules.yaml"
    file.write_text(rules)
    result = subprocess.run(
        [tool, "check", "rules", "--lint=all", "--lint-fatal", file],
        capture_output=True,
        text=True,
    )
    return "" if result.returncode == 0 else result.stdout + result.stderr or "it failed"
