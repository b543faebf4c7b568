"""Processes of a running stack: found, killed, frozen, and started again as they were."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onemachine.processes.identity import ProcessIdentity
from onemachine.stack.state import StackFolder

__all__ = ["Revivable", "workers_of"]

_PROC = Path("/proc")
_GONE_SECONDS = 10.0


@dataclass(frozen=True)
class Revivable:
    """A process that can be killed and started again with the same words.

    Parameters
    ----------
    identity : ProcessIdentity
        The process as it runs.
    argv : tuple of str
        Its command line.
    env : mapping
        Its environment.
    cwd, log : Path
        Its folder, and the file that its output goes to.
    """

    identity: ProcessIdentity
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    log: Path

    @classmethod
    def of(cls, pid: int, log: Path) -> Revivable:
        """Read how a running process was started.

        Raises
        ------
        OSError
            It does not run any more.
        """
        identity = ProcessIdentity.of(pid)
        if identity is None:
            raise ProcessLookupError(f"process {pid} has ended")
        folder = _PROC / str(pid)
        words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        variables = (folder / "environ").read_bytes().rstrip(b"\0").split(b"\0")
        return cls(
            identity,
            tuple(os.fsdecode(word) for word in words),
            dict(os.fsdecode(each).split("=", 1) for each in variables if b"=" in each),
            (folder / "cwd").readlink(),
            log,
        )

    def kill(self) -> None:
        """Kill it with no chance to tidy up, and wait until it is gone."""
        self.identity.signal(signal.SIGKILL)
        self.identity.wait_gone(_GONE_SECONDS)

    def start(self) -> int:
        """Start it again, to outlive this process; gives its new id.

        ``srectl local down`` ends it like all that carries the stack's folder in its environment.
        """
        with self.log.open("ab") as output:
            return subprocess.Popen(
                list(self.argv),
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ).pid


def workers_of(folder: StackFolder, function: str) -> Iterator[ProcessIdentity]:
    """Give the processes in which a function of a stack runs just now."""
    place = str(folder.path / "aws" / "tmp" / f"ministack-lambda-{function}-")
    for entry in _PROC.glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(os.fsdecode(word).startswith(place) for word in words):
            identity = ProcessIdentity.of(int(entry.name))
            if identity is not None:
                yield identity
