"""Stand-ins for the programs that an installation calls: on PATH, and each call recorded.

They keep what was made in a small world of their own. What the real ones would not take, by their
documentation (:mod:`.grammar`), :meth:`World.refusals` tells.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.support.standins.grammar import refusal

TOOL = Path(__file__).with_name("tool.sh")
TOOLS = ("aws", "curl", "docker", "eksctl", "helm", "kubectl", "openssl", "sam", "srectl")


@dataclass(frozen=True)
class Call:
    """One call of a stand-in."""

    tool: str
    words: tuple[str, ...]
    piped: str

    def __str__(self) -> str:
        return shlex.join((self.tool, *self.words))


@dataclass(frozen=True)
class World:
    """What the stand-ins have made, in a folder.

    Parameters
    ----------
    folder
        Holds the programs (``bin``), the calls and the state.
    """

    folder: Path

    @classmethod
    def begun(cls, folder: Path, tools: Iterable[str] = TOOLS) -> World:
        """Put the stand-ins into a folder."""
        (folder / "things").mkdir(parents=True)
        place = folder / "bin"
        place.mkdir()
        for name in tools:
            words = shlex.join(("bash", str(TOOL), str(folder), name))
            (place / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            (place / name).chmod(0o755)
        return cls(folder)

    @property
    def path(self) -> str:
        """PATH with the stand-ins before all else."""
        return os.pathsep.join((str(self.folder / "bin"), os.environ["PATH"]))

    def calls(self) -> list[Call]:
        """Give the calls, in their order."""
        file = self.folder / "calls"
        text = file.read_text("utf-8") if file.exists() else ""
        found = []
        for record in text.split("\x1e")[:-1]:
            words, _, piped = record.partition("\x1d")
            tool, *rest = words.split("\x1f")[:-1]
            found.append(Call(tool, tuple(rest), piped))
        return found

    def refusals(self) -> list[str]:
        """Give the calls that the real tools would not take, and why."""
        judged = [(call, refusal(call.tool, list(call.words))) for call in self.calls()]
        return [f"{call}: {why}" for call, why in judged if why]

    def forget_calls(self) -> None:
        """Begin the record anew."""
        (self.folder / "calls").unlink(missing_ok=True)

    def fail_once(self, text: str) -> None:
        """Let the next call that has this text in it fail."""
        (self.folder / "fail").write_text(text)

    def refuse(self, text: str) -> None:
        """Let each call that has this text in it be refused for a missing right."""
        (self.folder / "refused").write_text(text)

    def things(self) -> set[str]:
        """Give what is there: stacks, the cluster, the image, releases."""
        return {each.name for each in (self.folder / "things").iterdir()}

    def make(self, *things: str) -> None:
        """Let things be there."""
        for thing in things:
            (self.folder / "things" / thing).touch()
