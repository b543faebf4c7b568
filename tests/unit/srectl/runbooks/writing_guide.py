"""What stands in docs/writing-a-runbook.md to be copied and typed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support.template import ROOT

GUIDE = (ROOT / "docs" / "writing-a-runbook.md").read_text("utf-8")
FENCE = re.compile(r"^```(?P<info>[^\n]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of the guide."""

    info: str
    text: str

    @property
    def file(self) -> str | None:
        return self.info.partition("file=")[2] or None


BLOCKS = [Block(found["info"], found["text"]) for found in FENCE.finditer(GUIDE)]
