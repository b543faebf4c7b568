"""The published catalogue, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from srectl.runbooks import load

RUNBOOKS = Path(__file__).resolve().parents[3] / "runbooks"


@cache
def shipped() -> tuple[Mapping[str, Any], ...]:
    """The runbooks of the repository."""
    return tuple(one.definition for one in load(RUNBOOKS))


@dataclass
class FakeCatalogue:
    """Runbooks as they were published: those of the repository, unless a test says otherwise."""

    runbooks: Sequence[Mapping[str, Any]] = field(default_factory=shipped)

    def definitions(self) -> Sequence[Mapping[str, Any]]:
        return self.runbooks
