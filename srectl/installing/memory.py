"""What is remembered of an installation: the settings and what is done, and no secret.

One file for an account, a region and a stack, in ``$XDG_STATE_HOME/srectl/install`` (else
``~/.local/state/srectl/install``), which only its owner may read.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from srectl.errors import CommandFailed
from srectl.private_files import write_private

__all__ = ["LEFT_OUT", "Memory", "Record", "digest", "place"]

#: State of a step that the operator does otherwise, or not at all.
LEFT_OUT = "left out"
_STATES = frozenset({"begun", "done", "found", LEFT_OUT})

_STACK = "sre-platform"


@dataclass
class Record:
    """What became of a step.

    Parameters
    ----------
    state
        ``begun``, ``done``, ``found`` (done by somebody else) or ``left out``.
    commands
        Digests of its commands that ended well.
    made_of
        Digest of all its commands, the settings that they name and the files that they read.
    at
        When this was written.
    """

    state: str
    commands: list[str] = field(default_factory=list)
    made_of: str = ""
    at: str = ""

    def __post_init__(self) -> None:
        if self.state not in _STATES or not _all_text(self.made_of, self.at, *self.commands):
            raise ValueError(f"no step is {self.state!r}, or something of it is no text")

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.state != "begun"


@dataclass
class Memory:
    """The file of one installation, written anew at each change.

    Parameters
    ----------
    path
        The file.
    settings
        What the operator said; nothing secret.
    steps
        What became of the steps, by their names.
    """

    path: Path
    settings: dict[str, str] = field(default_factory=dict)
    steps: dict[str, Record] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Memory:
        """Read a file; an installation that nothing is known of is an empty one.

        Raises
        ------
        CommandFailed
            The file cannot be read, or is none of ours.
        """
        try:
            data = json.loads(path.read_text("utf-8"))
            steps = {name: Record(**fields) for name, fields in data["steps"].items()}
            return cls(path, _settings(data["settings"]), steps)
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CommandFailed(
                f"what is remembered of the installation cannot be read: {path}: {error}",
                "move the file away: what is done is then found out by looking",
            ) from None

    def keep(self, settings: dict[str, str]) -> None:
        """Remember settings."""
        self.settings |= settings
        self._write()

    def begin(self, step: str, ran: list[str], made_of: str = "") -> None:
        """Remember that a step has begun, and which of its commands ended well."""
        self._note(step, Record("begun", ran, made_of))

    def end(self, step: str, state: str, made_of: str = "") -> None:
        """Remember that nothing is left to do of a step."""
        self._note(step, Record(state, made_of=made_of))

    def leave_out(self, step: str) -> None:
        """Remember that somebody else does a step; what was done here stays known as that."""
        record = self.steps.get(step)
        if record is None or record.state != "done":
            self.end(step, LEFT_OUT)

    def forget(self, step: str) -> None:
        """A step is taken back: it may be done again."""
        self.steps.pop(step, None)
        self._write()

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Let nobody else of this machine install the same while the block lasts.

        Yields
        ------
        int
            The descriptor of the lock. Who inherits it holds the lock as well, so that it outlives
            a srectl that was killed while its command goes on.

        Raises
        ------
        CommandFailed
            Somebody does.
        """
        with self._writing():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = self.path.with_suffix(".lock").open("ab")
        with file as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandFailed(
                    "another 'srectl install' or 'uninstall' works on this account and region",
                    "wait until it has ended",
                ) from None
            now = Memory.read(self.path)
            self.settings, self.steps = now.settings, now.steps
            yield lock.fileno()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CommandFailed(
                f"what is done cannot be remembered: {error}",
                "name a folder of yours: 'export XDG_STATE_HOME=<folder>'",
            ) from None

    def _note(self, step: str, record: Record) -> None:
        record.at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.steps[step] = record
        self._write()

    def _write(self) -> None:
        data: dict[str, Any] = {
            "settings": self.settings,
            "steps": {name: asdict(record) for name, record in self.steps.items()},
        }
        with self._writing():
            write_private(self.path, json.dumps(data, indent=2) + "\n")


def _settings(data: dict[str, str]) -> dict[str, str]:
    settings = dict(data)
    if not _all_text(*settings, *settings.values()):
        raise ValueError("a setting is no text")
    return settings


def _all_text(*values: object) -> bool:
    return all(isinstance(value, str) and "\0" not in value for value in values)


def place(account: str, region: str) -> Path:
    """Give the file of an account and a region."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "srectl" / "install" / account / region / f"{_STACK}.json"


def digest(*texts: str) -> str:
    """Give what commands are known by: those that have changed are others."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
