"""The stack on this machine has its commands under one name, whoever tells of them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_OLD = re.compile(r"\bsrectl (?:up|down|env|demo|logs|drill)\b")
#: Where it is said that the old names still work.
_SAYS_SO = {"docs/srectl.md": 1}


def test_what_is_to_be_typed_is_srectl_local_everywhere() -> None:
    texts = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").glob("*.md")]
    for house in ("srectl", "onemachine"):
        texts += (ROOT / house).rglob("*.py")
    found = {
        str(path.relative_to(ROOT)): len(old)
        for path in texts
        if (old := _OLD.findall(path.read_text("utf-8")))
    }
    assert len(texts) > 100
    assert found == _SAYS_SO
