"""Child processes of the one-machine stack: started, watched and ended without leaving anything.

A child belongs to its parent twice: it is stopped by it, and the kernel sends it SIGTERM when the
parent dies without having had the chance.

Linux only (``PR_SET_PDEATHSIG``), like the loopback addresses of the pods.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from onemachine.processes.environment import base_environment
from onemachine.processes.errors import StartFailed
from onemachine.processes.identity import ProcessIdentity
from onemachine.processes.log_tail import TAIL_LINES, tail

__all__ = ["ManagedProcess"]

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.05

# PyDLL keeps the interpreter lock during the call, which is what a just forked child needs.
_libc = ctypes.PyDLL(None, use_errno=True)
# The kernel's "parent" is the *thread* that forked: a child started from a short-lived worker
# thread would be ended together with it. So one thread that lives as long as the process starts
# them all.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass
class ManagedProcess:
    """A child in a session of its own, with its output in a file.

    Parameters
    ----------
    name : str
        Name in messages, in ``srectl status`` and of the log.
    argv : sequence of str
        Program and arguments; no shell sees them.
    env : mapping
        Added to :func:`base_environment`; nothing else is inherited.
    log_path : Path
        File that its output is appended to, made with mode 0600.
    cwd : Path, optional
        Folder to start in.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log_path: Path
    cwd: Path | None = None
    identity: ProcessIdentity | None = field(default=None, init=False)
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start(self) -> ManagedProcess:
        """Start it and return at once.

        Raises
        ------
        StartFailed
            The program cannot be run.
        RuntimeError
            It is running already.
        """
        if self.alive():
            raise RuntimeError(f"{self.name} is already running (process {self.pid})")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._child = _spawner.submit(self._spawn).result()
        except OSError as error:
            raise StartFailed(f"{self.name} to start", f"{self.argv[0]}: {error}") from error
        # The child is ours and not reaped yet, so its entry is there even if it ended at once.
        self.identity = ProcessIdentity.of(self._child.pid)
        return self

    def stop(self, grace_seconds: float = 10.0) -> None:
        """End it and whatever it started in its session: SIGTERM, after a while SIGKILL.

        Does nothing where it is not running. Returns when nothing of it is left.

        Parameters
        ----------
        grace_seconds : float
            Time that it has between the two.
        """
        child = self._child
        if child is None or child.returncode is not None:
            return
        if not _ended(child.pid):
            os.kill(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while not _ended(child.pid) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        # Its group may hold workers that outlived it. The child is not reaped yet, so the group's
        # id cannot have been given to anybody else.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id; None before :meth:`start`."""
        return None if self._child is None else self._child.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: by which signal); None while it runs or before it started."""
        return None if self._child is None else self._child.poll()

    def log_tail(self, n: int = TAIL_LINES) -> str:
        """Give the last ``n`` lines of its output, empty where there is none."""
        return tail(self.log_path, n)

    def _spawn(self) -> subprocess.Popen[bytes]:
        parent = os.getpid()
        descriptor = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(
                list(self.argv),
                env={**base_environment(), **self.env},
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Safe beside threads: it takes no lock and runs one system call.
                preexec_fn=lambda: _die_with(parent),
            )
        finally:
            os.close(descriptor)


def _ended(child: int) -> bool:
    """Whether a child of ours ended; it is left unreaped, so that its id stays taken."""
    answer = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return answer is not None


def _die_with(parent: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died between the fork and the line above
        os._exit(1)
