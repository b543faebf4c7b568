"""What tests share stands in rooms of its own: no test takes anything from another test module."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
# Also where a test writes a script that imports it.
TAKEN = re.compile(
    r"^\s*(?:\"|')?(?:from|import) (tests[\w.]*\.(?:test_\w+|conftest))\b", re.MULTILINE
)


def test_no_test_module_is_imported() -> None:
    found = {
        f"{file.relative_to(TESTS)}: {module}"
        for file in TESTS.rglob("*.py")
        for module in TAKEN.findall(file.read_text("utf-8"))
    }
    assert found == set()
