"""Child processes of the one-machine stack: started, watched and ended without leaving anything.

A child belongs to its parent twice: it is stopped by it, and the kernel sends it SIGTERM when the
parent dies without having had the chance. A process id alone is never trusted: it is kept together
with the time at which its process started, so that a recycled id is never signalled.

Linux only (``/proc``, pidfds, ``PR_SET_PDEATHSIG``), like the loopback addresses of the pods.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

__all__ = [
    "LogTail",
    "ManagedProcess",
    "ProcessIdentity",
    "StartFailed",
    "base_environment",
    "free_port",
    "tail",
    "wait_until",
]

T = TypeVar("T")

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.05
_SLOWEST_POLL_SECONDS = 0.25
_TAIL_LINES = 20
_STAT_START_TIME = 19  # field 22 of proc(5)'s stat, counted after the command's closing bracket
_STAT_STATE = 0
_FIRST_PORT = 20000
_PORT_TRIES = 200

# Of the user's environment, what a program needs to run at all. Everything else stays out: above
# all AWS credentials and endpoints of the user's real account.
_INHERITED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "XDG_CACHE_HOME",
    "SRECTL_CACHE_DIR",
    "KUBEBUILDER_ASSETS",
)

# PyDLL keeps the interpreter lock during the call, which is what a just forked child needs.
_libc = ctypes.PyDLL(None, use_errno=True)
# The kernel's "parent" is the *thread* that forked: a child started from a short-lived worker
# thread would be ended together with it. So one thread that lives as long as the process starts
# them all.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
_given_ports: set[tuple[str, int]] = set()
_ports_lock = threading.Lock()


class StartFailed(RuntimeError):
    """A part of the stack did not become ready.

    Parameters
    ----------
    what : str
        The stage, as it is shown to the user ("the API server to be ready").
    reason : str
        What was seen instead.
    log_path : Path, optional
        Where to read on.
    log_tail : str
        The last lines of it.
    """

    def __init__(
        self, what: str, reason: str, log_path: Path | None = None, log_tail: str = ""
    ) -> None:
        self.what = what
        self.reason = reason
        self.log_path = log_path
        self.log_tail = log_tail
        message = f"gave up waiting for {what}: {reason}"
        if log_path is not None:
            message += f"\nLast lines of {log_path}:\n{log_tail or '(empty)'}"
        super().__init__(message)


class LogTail(Protocol):
    """What :func:`wait_until` needs to know of the process that it waits for."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    @property
    def log_path(self) -> Path:
        """The file with its output."""

    def alive(self) -> bool:
        """Whether it still runs."""

    def log_tail(self, n: int = ...) -> str:
        """Give its last ``n`` lines of output."""


@dataclass(frozen=True)
class ProcessIdentity:
    """One process, told from any later one that gets the same id.

    Parameters
    ----------
    pid : int
        Process id.
    start_time : int
        Start in clock ticks since boot (field 22 of ``/proc/<pid>/stat``).
    """

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Look a running process up; None where there is none."""
        fields = _stat(pid)
        return None if fields is None else cls(pid, int(fields[_STAT_START_TIME]))

    def alive(self) -> bool:
        """Whether this very process still runs; one that ended and is not reaped does not."""
        fields = _stat(self.pid)
        return (
            fields is not None
            and int(fields[_STAT_START_TIME]) == self.start_time
            and fields[_STAT_STATE] not in ("Z", "X")
        )

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to this very process and to no other.

        Returns
        -------
        bool
            False where the process is gone.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The handle pins the process before its age is read, so nothing can slip in between.
            if not self.alive():
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    def wait_gone(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until it has ended; False where it has not."""
        deadline = time.monotonic() + timeout
        while self.alive():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


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

    def log_tail(self, n: int = _TAIL_LINES) -> str:
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


def base_environment() -> dict[str, str]:
    """Give the part of this process' environment that every child gets."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def free_port(host: str = "127.0.0.1") -> int:
    """Find a TCP port that is free now and that this process has not been given before.

    Ports of outgoing connections start at 32768 on Linux; the choice is made below them, so that no
    connection of a neighbour takes the port before its server has bound it.

    Parameters
    ----------
    host : str
        Loopback address to listen on.

    Raises
    ------
    OSError
        No port could be bound.
    """
    with _ports_lock:
        for _ in range(_PORT_TRIES):
            port = random.randrange(_FIRST_PORT, _first_ephemeral_port())  # noqa: S311 - no secret
            if (host, port) not in _given_ports and _can_bind(host, port):
                _given_ports.add((host, port))
                return port
        with socket.socket() as probe:
            probe.bind((host, 0))
            chosen: int = probe.getsockname()[1]
            return chosen


def wait_until(
    probe: Callable[[], T | None],
    what: str,
    timeout: float = 30.0,
    process: LogTail | None = None,
) -> T:
    """Ask until the answer is true, and give it.

    An :class:`OSError` or :class:`http.client.HTTPException` of the probe means "not yet"; anything
    else is a mistake and comes through.

    Parameters
    ----------
    probe : callable
        Gives something true when it is so far.
    what : str
        What is waited for, for the message ("the API server to be ready").
    timeout : float
        Seconds.
    process : LogTail, optional
        The process that must get there; where it ends, waiting ends.

    Raises
    ------
    StartFailed
        Time is up or the process ended; with the tail of its log.
    """
    deadline = time.monotonic() + timeout
    pause = _POLL_SECONDS
    seen = "no answer yet"
    while True:
        # Its end is noticed first, but an answer that it gave before still counts.
        ended = process is not None and not process.alive()
        try:
            answer = probe()
            if answer:
                return answer
            seen = "it answers, but is not ready yet"
        except (OSError, http.client.HTTPException) as error:
            seen = f"{type(error).__name__}: {error}"
        if ended and process is not None:
            raise _failed(what, f"{process.name} ended", process)
        if time.monotonic() >= deadline:
            raise _failed(what, f"not within {timeout:g} s ({seen})", process)
        time.sleep(pause)
        pause = min(pause * 1.3, _SLOWEST_POLL_SECONDS)


def tail(path: Path, n: int = _TAIL_LINES) -> str:
    """Give the last ``n`` lines of a file, empty where it is missing.

    Reads at most 64 KiB from its end.
    """
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - 65536))
            text = log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-n:])


def _failed(what: str, reason: str, process: LogTail | None) -> StartFailed:
    if process is None:
        return StartFailed(what, reason)
    return StartFailed(what, reason, process.log_path, process.log_tail(_TAIL_LINES))


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command stands in brackets and may itself contain brackets and blanks.
    return text.rpartition(")")[2].split()


def _ended(child: int) -> bool:
    """Whether a child of ours ended; it is left unreaped, so that its id stays taken."""
    answer = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return answer is not None


def _die_with(parent: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died between the fork and the line above
        os._exit(1)


def _first_ephemeral_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    except OSError:
        first = 32768
    return max(first, _FIRST_PORT + _PORT_TRIES)


def _can_bind(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
