"""What is known of a stack on disk: where its files are, what runs, how it is reached.

The supervisor writes ``state.json`` whenever something changes; every command reads it and none
needs to ask the supervisor. The file names no secret: those lie in files of their own beside it.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from onemachine.processes.identity import ProcessIdentity
from onemachine.project import PROJECT_ROOT
from srectl.errors import CommandFailed
from srectl.private_files import write_private

__all__ = [
    "NameInvalid",
    "Phase",
    "ProcessRecord",
    "StackFolder",
    "StackState",
    "StateUnreadable",
    "known_stacks",
]

STATE_ROOT_VARIABLE = "SRECTL_STATE_DIR"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_FORMAT = 1

Phase = Literal["starting", "ready", "degraded", "stopping", "stopped", "failed"]


class NameInvalid(ValueError):
    """A stack's name would not do as a folder and a host name."""


class StateUnreadable(CommandFailed):
    """``state.json`` is there but cannot be understood: fails every command that needs it."""


@dataclass(frozen=True)
class StackFolder:
    """The folder of one stack; nothing of the stack is written anywhere else.

    Parameters
    ----------
    path : Path
        ``build/local/<name>``.
    """

    path: Path

    @classmethod
    def named(cls, name: str) -> StackFolder:
        """Give the folder for a stack's name, made or not.

        Raises
        ------
        NameInvalid
            The name has other characters than lower-case letters, digits and hyphens.
        """
        if not _NAME.fullmatch(name):
            raise NameInvalid(
                f"{name!r} cannot be a stack's name: use 1 to 31 lower-case letters, digits and "
                "hyphens, starting with a letter"
            )
        return cls(state_root() / name)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.path.name

    @property
    def state_file(self) -> Path:
        """:class:`StackState` as JSON, mode 0600."""
        return self.path / "state.json"

    @property
    def progress_file(self) -> Path:
        """One line of JSON for everything that happened while the stack started and stopped."""
        return self.path / "progress.jsonl"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor as long as it lives."""
        return self.path / "supervisor.lock"

    @property
    def logs(self) -> Path:
        """``<process>.log`` of every process."""
        return self.path / "logs"

    @property
    def api_key_file(self) -> Path:
        """Key of the webhook, mode 0600."""
        return self.path / "webhook-api-key"

    @property
    def investigator_key_file(self) -> Path:
        """Key of the stand-in for an investigator, mode 0600."""
        return self.path / "investigator-api-key"

    @property
    def aws_secret_file(self) -> Path:
        """Secret access key of the local AWS' operator, mode 0600."""
        return self.path / "aws-secret-access-key"

    @property
    def notifications_file(self) -> Path:
        """Every notification that the local receiver got, one line of JSON each."""
        return self.path / "notifications.jsonl"

    def log(self, process: str) -> Path:
        """Give the log of one process."""
        return self.logs / f"{process}.log"

    def is_supervised(self) -> bool:
        """Whether a supervisor of this stack lives, however far it is."""
        try:
            with self.lock_file.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @contextmanager
    def supervising(self) -> Iterator[bool]:
        """Hold the lock while the block lasts; gives False where somebody else holds it."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.lock_file.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True  # closing the file, also by dying, lets the lock go


@dataclass(frozen=True)
class ProcessRecord:
    """One child of the supervisor.

    Parameters
    ----------
    pid, start_time : int
        See :class:`onemachine.processes.identity.ProcessIdentity`.
    log : str
        File with its output.
    exit_code : int, optional
        How it ended by itself (negative: by which signal). None: it runs, or was stopped.
    """

    pid: int
    start_time: int
    log: str
    exit_code: int | None = None

    @property
    def identity(self) -> ProcessIdentity:
        """To ask whether it lives and to signal it."""
        return ProcessIdentity(self.pid, self.start_time)


@dataclass
class StackState:
    """Everything that a command needs to know of a stack.

    Parameters
    ----------
    name : str
        The stack's name.
    phase : str
        ``starting``, ``ready``, ``degraded`` (a process died), ``stopping``, ``stopped`` or
        ``failed`` (it never became ready).
    supervisor : ProcessRecord, optional
        The process that owns all others.
    started_at, expires_at : float
        Unix time in seconds.
    realistic : bool
        Whether the waits are those of production.
    template : str
        The template that is deployed.
    processes : dict
        By name.
    endpoints : dict
        URL or path by name: what ``srectl local env`` prints, and more.
    settings : dict
        Region, cluster name, pod range, table and topic names.
    timings : dict
        Stage → seconds it took.
    problem : str
        Why it is degraded or failed.
    """

    name: str
    phase: Phase = "starting"
    supervisor: ProcessRecord | None = None
    started_at: float = 0.0
    expires_at: float = 0.0
    realistic: bool = False
    template: str = ""
    processes: dict[str, ProcessRecord] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    problem: str = ""

    def write(self, folder: StackFolder) -> None:
        """Replace the file in one step, so that no reader ever sees half of it."""
        document = {"format": _FORMAT, **dataclasses.asdict(self)}
        write_private(folder.state_file, json.dumps(document, indent=2) + "\n")

    @classmethod
    def read(cls, folder: StackFolder) -> StackState | None:
        """Read the file; None where the stack was never started.

        Raises
        ------
        StateUnreadable
            It is no state file of this version; the message says what to do.
        """
        try:
            return cls._parse(json.loads(folder.state_file.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateUnreadable(
                f"{folder.state_file} cannot be read ({error!r})",
                f"if no process of the stack runs, delete the folder: rm -r {folder.path}",
            ) from error

    @classmethod
    def _parse(cls, document: Mapping[str, Any]) -> StackState:
        values = dict(document)
        if values.pop("format") != _FORMAT:
            raise ValueError("written by another version of srectl")
        supervisor = values["supervisor"]
        values["supervisor"] = None if supervisor is None else ProcessRecord(**supervisor)
        values["processes"] = {
            name: ProcessRecord(**record) for name, record in values["processes"].items()
        }
        return cls(**values)


def state_root() -> Path:
    """Give the folder of all stacks: ``SRECTL_STATE_DIR``, else ``build/local`` of the project."""
    given = os.environ.get(STATE_ROOT_VARIABLE)
    return Path(given).expanduser().resolve() if given else PROJECT_ROOT / "build" / "local"


def known_stacks() -> list[str]:
    """Name every stack that has left a state file."""
    return sorted(path.parent.name for path in state_root().glob("*/state.json"))
