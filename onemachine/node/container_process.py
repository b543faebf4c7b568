"""One run of one container as a local process group."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from onemachine.node.errors import NodeAgentError
from onemachine.node.guard import Guard
from onemachine.node.logs import ContainerLog

_LAUNCHER = Path(__file__).with_name("launcher.py")
#: What was written before the end is read until then; who has left the group may hold the pipe on.
_LAST_OUTPUT_SECONDS = 2.0
_MINIMUM_GRACE = 2.0  # what a kubelet leaves a process even if preStop used up the whole grace


class StartError(NodeAgentError):
    """The command of a container could not be started."""


class ContainerProcess:
    """A started command, its whole process group, and the way to end it.

    Must be created in a thread that outlives the process: Linux delivers the parent-death
    signal when the *thread* that started a child ends.

    Parameters
    ----------
    argv, env, workdir : sequence of str, mapping, Path
        What to run, with which environment (nothing is inherited), where.
    log : ContainerLog
        Gets stdout and stderr.
    guard : Guard
        Kills the group should the agent itself be killed.
    on_exit : callable
        Called once from another thread with the exit code (128 + signal number if killed), when
        the log has what the process wrote.

    Raises
    ------
    StartError
        If the command or the directory does not exist.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        workdir: Path,
        log: ContainerLog,
        guard: Guard,
        on_exit: Callable[[int], None],
    ) -> None:
        if not workdir.is_dir():
            raise StartError(f"working directory {workdir} does not exist")
        if not argv or shutil.which(argv[0], path=env.get("PATH", "")) is None:
            raise StartError(f"exec: {argv[0] if argv else ''!r}: executable not found in $PATH")
        self._guard = guard
        self._on_exit = on_exit
        self._ended = threading.Event()
        self.started = time.monotonic()
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *argv],
                env=dict(env),
                cwd=workdir,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(f"{argv[0]} could not be started: {error}") from error
        self.pid = self._popen.pid
        guard.watch(self.pid)
        out = self._popen.stdout
        self._reader = log.follow(out, str(self.pid)) if out is not None else None
        threading.Thread(target=self._wait, name=f"wait {self.pid}", daemon=True).start()

    def _wait(self) -> None:
        # WNOWAIT keeps the zombie, and with it the group id, until the group has been killed
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self._signal_group(signal.SIGKILL)
        code = self._popen.wait()
        self._guard.forget(self.pid)
        self._ended.set()  # from here on the number of the group may be another's
        if self._reader is not None:
            self._reader.join(_LAST_OUTPUT_SECONDS)
        self._on_exit(code if code >= 0 else 128 - code)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the process; return whether it came."""
        return self._ended.wait(seconds)

    def kill(self) -> None:
        """End the whole group at once."""
        if not self._ended.is_set():
            self._signal_group(signal.SIGKILL)

    def stop(self, grace: float, before: Callable[[float], None] | None = None) -> None:
        """Begin a graceful end, in the background.

        Parameters
        ----------
        grace : float
            Seconds from now until the group is killed; the preStop hook is counted in. With 0
            the group is killed at once.
        before : callable or None
            The preStop hook, called with the seconds it may take.
        """

        if grace <= 0:
            self.kill()
            return

        def run() -> None:
            deadline = time.monotonic() + grace
            if before is not None:
                before(grace)
            # only the main process is told, as in a container; the group is for the killing
            if not self._ended.is_set():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGTERM)
            left = max(deadline - time.monotonic(), min(_MINIMUM_GRACE, grace))
            if not self._ended.wait(left):
                self.kill()

        threading.Thread(target=run, name=f"stop {self.pid}", daemon=True).start()
