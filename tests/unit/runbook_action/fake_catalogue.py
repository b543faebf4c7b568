"""The published catalogue, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from runbook_action.errors import ActionRefused
from runbook_action.ports import Lock
from srectl.runbooks import load
from tests.support.shipped import RUNBOOKS


@cache
def shipped() -> tuple[Mapping[str, Any], ...]:
    """The runbooks that the project ships."""
    return tuple(one.definition for one in load(RUNBOOKS))


@dataclass
class FakeCatalogue:
    """Runbooks as they were published: those that are shipped, unless a test says otherwise."""

    runbooks: Sequence[Mapping[str, Any]] = field(default_factory=shipped)

    def definitions(self) -> Sequence[Mapping[str, Any]]:
        return self.runbooks

    def published(self, name: str) -> Mapping[str, Any] | None:
        return next((each for each in self.runbooks if each["name"] == name), None)


@dataclass
class FakeLocks:
    """The locks of the state machines: all of them one incident's, unless a test says otherwise."""

    usual: Lock | None = None
    kept: dict[str, Lock | None] = field(default_factory=dict)

    def read(self, key: str) -> Lock | None:
        return self.kept.get(key, self.usual)


@dataclass
class FakeIdentities:
    """AWS, which knows these signatures: what was signed, and by whom, for each proof."""

    signatures: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: int = 0

    def signer(self, proof: str, statement: str) -> str:
        self.asked += 1
        who, signed = self.signatures.get(proof, ("", ""))
        if signed != statement:
            raise ActionRefused("AWS does not know the signature")
        return who


@dataclass
class FakeNotes:
    """Approvals that were found good, or runs that were started."""

    kept: dict[str, str] = field(default_factory=dict)

    def read(self, key: str) -> str:
        return self.kept.get(key, "")

    def keep(self, key: str, text: str) -> None:
        self.kept[key] = text
