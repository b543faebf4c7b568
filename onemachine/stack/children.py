"""All children of one supervisor: started through here, so that none can be forgotten.

Every child carries the stack's folder in ``SRECTL_STACK_DIR``. What a child starts inherits it (or,
for pods, has its ``HOME`` inside that folder), and so a process that somehow outlived everything
can be told from the rest of the machine, also from a user's shell that only names the folder.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onemachine.processes.errors import StartFailed
from onemachine.processes.identity import ProcessIdentity
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.waiting import wait_until
from onemachine.stack.state import StackFolder

__all__ = ["STACK_VARIABLE", "Children", "ChildrenClosed", "processes_of_stack"]

STACK_VARIABLE = "SRECTL_STACK_DIR"
_LONG = 3600.0


class ChildrenClosed(RuntimeError):
    """The stack is being stopped: nothing more is started."""


@dataclass
class _Child:
    process: ManagedProcess
    wave: int
    service: bool


@dataclass
class Children:
    """Starts, watches and stops the processes of a stack.

    Parameters
    ----------
    folder : StackFolder
        Logs go to its ``logs``.
    """

    folder: StackFolder
    _children: dict[str, _Child] = field(default_factory=dict, init=False)
    _closed: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def launch(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
        wave: int = 1,
    ) -> ManagedProcess:
        """Start a process that runs as long as the stack.

        Parameters
        ----------
        name : str
            Unique name, also of its log.
        argv, env, cwd
            As for :class:`onemachine.processes.managed.ManagedProcess`.
        wave : int
            When it is stopped: higher numbers first, equal ones together.

        Raises
        ------
        ChildrenClosed
            The stack is being stopped.
        StartFailed
            It cannot be run.
        """
        return self._start(name, argv, env, cwd, wave, service=True)

    def run(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
        what: str,
        timeout: float = _LONG,
    ) -> ManagedProcess:
        """Run a command to its end.

        Parameters
        ----------
        what : str
            What it is for, in messages.
        timeout : float
            Seconds that it may take.

        Raises
        ------
        StartFailed
            It failed or took too long; with the tail of its log.
        """
        process = self._start(name, argv, env, cwd, 9, service=False)
        wait_until(lambda: process.exit_code is not None, what, timeout, None)
        if process.exit_code != 0:
            raise StartFailed(
                what,
                f"'{Path(argv[0]).name} {argv[1] if len(argv) > 1 else ''}'".rstrip()
                + f" ended with exit code {process.exit_code}",
                process.log_path,
                process.log_tail(25),
            )
        return process

    def services(self) -> dict[str, ManagedProcess]:
        """Give every process that should run as long as the stack."""
        with self._lock:
            return {name: c.process for name, c in self._children.items() if c.service}

    def stop_all(self, grace_seconds: float = 15.0) -> None:
        """Stop everything, wave by wave, and let nothing be started any more."""
        with self._lock:
            self._closed = True
            children = list(self._children.values())
        for wave in sorted({child.wave for child in children}, reverse=True):
            threads = [
                threading.Thread(target=child.process.stop, args=(grace_seconds,), daemon=True)
                for child in children
                if child.wave == wave
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _start(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None,
        cwd: Path | None,
        wave: int,
        *,
        service: bool,
    ) -> ManagedProcess:
        marked = {**(env or {}), STACK_VARIABLE: str(self.folder.path)}
        process = ManagedProcess(name, argv, marked, self.folder.log(name), cwd)
        with self._lock:
            if self._closed:
                raise ChildrenClosed(f"{name} is not started: the stack is being stopped")
            process.start()
            self._children[name] = _Child(process, wave, service)
        return process


def processes_of_stack(folder: StackFolder) -> list[ProcessIdentity]:
    """Find every process of this user that belongs to a stack, whoever started it."""
    marker = f"{STACK_VARIABLE}={folder.path}".encode()
    home = f"HOME={folder.path}{os.sep}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # ended just now, or another user's
            continue
        if marker in variables or any(each.startswith(home) for each in variables):
            identity = ProcessIdentity.of(int(entry.name))
            if identity is not None and identity.alive():
                found.append(identity)
    return found
