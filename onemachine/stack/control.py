"""Starting and stopping stacks from outside: what ``up``, ``down`` and ``demo`` have in common."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from onemachine.processes.identity import ProcessIdentity
from onemachine.processes.log_tail import tail
from onemachine.project import PROJECT_ROOT
from onemachine.stack.children import processes_of_stack
from onemachine.stack.progress import Event, follow, size_of
from onemachine.stack.state import StackFolder, StackState
from onemachine.traffic import ORDERS_PER_SECOND

__all__ = [
    "AlreadyRunning",
    "StackFailed",
    "StackRequest",
    "StopOutcome",
    "spawn_supervisor",
    "start_stack",
    "stop_stack",
]

_STOP_SECONDS = 90.0
_POLL_SECONDS = 0.1
# Whatever points at the user's real account must not even reach the supervisor.
_FORBIDDEN_PREFIX = "AWS_"

OnEvent = Callable[[Event], None]


class AlreadyRunning(RuntimeError):
    """A stack of that name runs; ``state`` is how it is now, None while it has not written any."""

    def __init__(self, state: StackState | None) -> None:
        super().__init__("the stack is already running")
        self.state = state


class StackFailed(RuntimeError):
    """The stack did not become ready and has been taken down again."""


@dataclass(frozen=True)
class StackRequest:
    """What stack to start.

    Parameters
    ----------
    folder : StackFolder
        Names it.
    template : Path
        SAM template to deploy.
    realistic : bool
        Waits of production instead of short ones.
    ttl_seconds : float
        Time after which it stops by itself.
    owned : bool
        Whether it must end together with this process.
    orders_per_second : float
        How many orders its customers send.
    metered : bool
        Count what AWS would charge for.
    cluster_metrics : bool
        Watch workloads and nodes, too (kube-state-metrics).
    alertmanager_waits : bool
        Let Alertmanager group and repeat as it does by itself, five minutes between two turns.
    without_rules : tuple of str
        Files of the platform's own rules to leave out, by their names without the suffix.
    parameters : tuple of str
        ``NAME=VALUE`` of parameters of the template that are to have other values.
    """

    folder: StackFolder
    template: Path
    realistic: bool
    ttl_seconds: float
    owned: bool = False
    orders_per_second: float = ORDERS_PER_SECOND
    metered: bool = False
    cluster_metrics: bool = False
    alertmanager_waits: bool = False
    without_rules: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """Return the supervisor's command line."""
        argv = [
            *(sys.executable, "-m", "onemachine.stack"),
            *("--name", self.folder.name),
            *("--template", str(self.template)),
            *("--ttl-seconds", f"{self.ttl_seconds:g}"),
            *("--orders", f"{self.orders_per_second:g}"),
        ]
        if self.realistic:
            argv.append("--realistic")
        if self.metered:
            argv.append("--metered")
        if self.cluster_metrics:
            argv.append("--cluster-metrics")
        if self.alertmanager_waits:
            argv.append("--alertmanager-waits")
        for name in self.without_rules:
            argv += ["--without-rules", name]
        for setting in self.parameters:
            argv += ["--set", setting]
        me = ProcessIdentity.of(os.getpid()) if self.owned else None
        if me is not None:
            argv += ["--owner", f"{me.pid}:{me.start_time}"]
        return argv


@dataclass(frozen=True)
class StopOutcome:
    """What stopping found.

    Parameters
    ----------
    was_running : bool
        Whether there was anything to stop.
    killed : int
        Processes that had to be killed because they outlived their supervisor.
    """

    was_running: bool
    killed: int


def start_stack(request: StackRequest, on_event: OnEvent) -> StackState:
    """Start a stack and return when it is ready.

    Whatever interrupts this call (Ctrl-C, SIGTERM) takes the stack down before it goes on.

    Raises
    ------
    AlreadyRunning
        There is one of that name.
    StackFailed
        It did not become ready; nothing of it is left.
    """
    return spawn_supervisor(request.folder, request.command(), on_event)


def spawn_supervisor(folder: StackFolder, argv: Sequence[str], on_event: OnEvent) -> StackState:
    """Do what :func:`start_stack` does, with a supervisor's command line."""
    if folder.is_supervised():
        raise AlreadyRunning(StackState.read(folder))
    position = size_of(folder.progress_file)
    folder.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    with folder.log("supervisor").open("ab") as log:
        # A session of its own: it goes on when this command's terminal is gone.
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )
    try:
        for event in follow(folder.progress_file, lambda: child.poll() is None, position):
            if event.pid != child.pid:
                continue
            on_event(event)
            if event.kind == "ready":
                state = StackState.read(folder)
                assert state is not None, "a ready stack has written its state"  # noqa: S101
                return state
    except BaseException:
        _end(child, folder, on_event)
        raise
    child.wait()
    raise _why_ended(child, folder)


def stop_stack(folder: StackFolder, on_event: OnEvent) -> StopOutcome:
    """Stop a stack and return when no process of it is left.

    Raises
    ------
    StackFailed
        Something is left all the same.
    """
    was_running = folder.is_supervised()
    if was_running:
        supervisor = _supervisor_of(folder)
        position = size_of(folder.progress_file)
        supervisor.signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS

        def waiting() -> bool:
            return supervisor.alive() and time.monotonic() < deadline

        for event in follow(folder.progress_file, waiting, position):
            if event.pid == supervisor.pid and event.kind in ("stopping", "stopped"):
                on_event(event)
        if supervisor.alive():
            supervisor.signal(signal.SIGKILL)
            supervisor.wait_gone(5)
    killed = _kill_leftovers(folder)
    state = StackState.read(folder)
    if state is not None and (was_running or killed) and state.phase not in ("stopped", "failed"):
        state.phase, state.processes, state.supervisor = "stopped", {}, None
        state.write(folder)
    return StopOutcome(was_running or killed > 0, killed)


def _supervisor_of(folder: StackFolder) -> ProcessIdentity:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = StackState.read(folder)
        if state is not None and state.supervisor is not None:
            return state.supervisor.identity
        time.sleep(_POLL_SECONDS)  # it holds its lock but has not written its state yet
    raise StackFailed(f"a supervisor holds {folder.lock_file} but has written no state")


def _kill_leftovers(folder: StackFolder) -> int:
    """Kill what the supervisor, killed itself, could not end. Gives how many there were."""
    deadline = time.monotonic() + 5
    left = processes_of_stack(folder)
    while (
        left and time.monotonic() < deadline
    ):  # they may be ending: their parent's death told them
        time.sleep(_POLL_SECONDS)
        left = processes_of_stack(folder)
    for identity in left:
        identity.signal(signal.SIGKILL)
    for identity in left:
        if not identity.wait_gone(5):
            raise StackFailed(f"process {identity.pid} of the stack cannot be ended")
    return len(left)


def _end(child: subprocess.Popen[bytes], folder: StackFolder, on_event: OnEvent) -> None:
    """Take down a stack whose start was interrupted, however impatient the user is."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    position = size_of(folder.progress_file)
    child.terminate()
    for event in follow(folder.progress_file, lambda: child.poll() is None, position):
        if event.pid == child.pid and event.kind in ("stopping", "stopped"):
            on_event(event)
    child.wait()
    _kill_leftovers(folder)


def _why_ended(child: subprocess.Popen[bytes], folder: StackFolder) -> Exception:
    state = StackState.read(folder)
    if child.returncode == 3:  # another command was quicker
        return AlreadyRunning(state)
    if state is not None and state.phase == "failed" and state.problem:
        return StackFailed(state.problem)
    if state is not None and state.phase == "stopped":
        return StackFailed("it was told to stop while it started")
    log = folder.log("supervisor")
    return StackFailed(
        f"the supervisor ended with exit code {child.returncode}. Last lines of {log}:\n{tail(log)}"
    )


def _environment() -> dict[str, str]:
    mine = {k: v for k, v in os.environ.items() if not k.startswith(_FORBIDDEN_PREFIX)}
    path = os.pathsep.join(filter(None, (str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
    return {**mine, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
