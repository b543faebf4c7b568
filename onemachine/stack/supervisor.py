"""The supervisor: one daemon for each stack that owns every process of it.

It starts the stack, watches it, and takes it down when it is told to (SIGTERM), when its time is
over, or when the start fails. It restarts nothing: a process that died is shown as dead, because
whatever looked at it would otherwise see a healthy stack with a hole in its history.

``python -m onemachine.stack`` runs one; users reach it through ``srectl local up``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from onemachine.processes.errors import StartFailed
from onemachine.processes.identity import ProcessIdentity
from onemachine.stack.children import Children, ChildrenClosed, processes_of_stack
from onemachine.stack.progress import ProgressWriter
from onemachine.stack.stages import Observer, Stage, StageFailed, Stopped, run_stages
from onemachine.stack.state import Phase, ProcessRecord, StackFolder, StackState
from onemachine.stack.workbench import Plan, Workbench

__all__ = ["Supervisor", "serve"]

_WATCH_SECONDS = 0.5
_LEFTOVER_SECONDS = 5.0
_EXIT_OK, _EXIT_FAILED, _EXIT_RUNNING = 0, 1, 3


class _Teller(Observer):
    """Writes what the stages do into the progress stream and the state file."""

    def __init__(self, progress: ProgressWriter, bench: Workbench) -> None:
        self._progress = progress
        self._bench = bench

    def started(self, stage: Stage) -> None:
        self._progress.write("started", stage.name, stage.what)

    def reported(self, stage: Stage, text: str) -> None:
        self._progress.write("report", stage.name, text)

    def finished(self, stage: Stage, seconds: float) -> None:
        self._bench.state.timings[stage.name] = round(seconds, 2)
        self._bench.save()
        self._progress.write("finished", stage.name, stage.what, round(seconds, 2))

    def failed(self, stage: Stage, seconds: float, cause: BaseException) -> None:
        self._progress.write("failed", stage.name, _told(cause), round(seconds, 2))


class Supervisor:
    """Runs one stack from its start to its end.

    Parameters
    ----------
    folder : StackFolder
        Where the stack keeps its files.
    plan : callable
        Gives the stages of the start.
    ttl_seconds : float
        After this time the stack stops by itself.
    realistic : bool
        Kept in the state, for the commands.
    template : str
        The same.
    owner : ProcessIdentity, optional
        A process that the stack must not outlive, in whatever way that one ends.
    """

    def __init__(
        self,
        folder: StackFolder,
        plan: Plan,
        *,
        ttl_seconds: float,
        realistic: bool = False,
        template: str = "",
        owner: ProcessIdentity | None = None,
    ) -> None:
        self._folder = folder
        self._owner = owner
        self._plan = plan
        self._stop_asked = threading.Event()
        self._why_stopped = ""
        now = time.time()
        self._state = StackState(
            folder.name,
            started_at=now,
            expires_at=now + ttl_seconds,
            realistic=realistic,
            template=template,
        )

    def stop(self, why: str) -> None:
        """Ask it to take the stack down. Safe to call from a signal handler."""
        self._why_stopped = self._why_stopped or why
        self._stop_asked.set()

    def run(self) -> int:
        """Start the stack, watch it until it is to stop, and take it down.

        Returns
        -------
        int
            0 after an orderly end, 1 where the start failed, 3 where the stack runs already.
        """
        with self._folder.supervising() as ours:
            if not ours:
                return _EXIT_RUNNING
            return self._supervise()

    def _supervise(self) -> int:
        bench = Workbench(self._folder, Children(self._folder), self._state)
        me = ProcessIdentity.of(os.getpid())
        if me is not None:
            log = str(self._folder.log("supervisor"))
            self._state.supervisor = ProcessRecord(me.pid, me.start_time, log)
        progress = ProgressWriter(self._folder.progress_file)
        bench.save()
        if self._owner is not None:
            threading.Thread(target=self._follow_owner, args=(self._owner,), daemon=True).start()
        failed = False
        try:
            run_stages(self._plan(bench), _Teller(progress, bench), self._stop_asked)
            self._state.phase = "ready"
            bench.save()
            progress.write("ready", "", "the stack is ready", time.time() - self._state.started_at)
            self._watch(bench, progress)
        except (Stopped, ChildrenClosed):
            pass
        except StageFailed as failure:
            failed = True
            self._state.problem = f"{failure.stage}: {_told(failure.cause)}"
            self._log_unexpected(failure.cause)
        except Exception as error:  # noqa: BLE001 - a daemon: the state file must tell of it
            failed = True
            self._state.problem = _told(error)
            progress.write("failed", "", _told(error))
            self._log_unexpected(error)
        finally:
            self._take_down(bench, progress, failed=failed)
        return _EXIT_FAILED if failed else _EXIT_OK

    def _watch(self, bench: Workbench, progress: ProgressWriter) -> None:
        dead: set[str] = set()
        while not self._stop_asked.wait(_WATCH_SECONDS):
            if time.time() >= self._state.expires_at:
                self.stop("its time (--ttl) is over")
                return
            for name, process in bench.children.services().items():
                if name in dead or process.alive():
                    continue
                dead.add(name)
                self._state.phase = "degraded"
                self._state.problem = f"not running any more: {', '.join(sorted(dead))}"
                bench.save()
                progress.write("note", "", f"{name} ended with exit code {process.exit_code}")

    def _follow_owner(self, owner: ProcessIdentity) -> None:
        while owner.alive():
            time.sleep(_WATCH_SECONDS)
        self.stop("the command that it was started for has ended")

    def _take_down(self, bench: Workbench, progress: ProgressWriter, *, failed: bool) -> None:
        self._state.phase = "stopping"
        bench.save()
        why = self._why_stopped or ("the start failed" if failed else "it is told to")
        progress.write("stopping", "", f"stopping, because {why}")
        started = time.monotonic()
        bench.children.stop_all()
        _end_leftovers(self._folder)
        end: Phase = "failed" if failed else "stopped"
        self._state.phase = end
        self._state.processes = {}
        self._state.supervisor = None
        self._state.write(self._folder)
        progress.write("stopped", "", "every process has ended", time.monotonic() - started)

    @staticmethod
    def _log_unexpected(error: BaseException) -> None:
        if not isinstance(error, StartFailed):
            traceback.print_exception(error)


def _end_leftovers(folder: StackFolder) -> None:
    """End what its parents should have ended, and say so in the log: it is somebody's mistake."""
    for identity in processes_of_stack(folder):
        try:
            command = Path(f"/proc/{identity.pid}/cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        print(f"left over: {identity.pid} {command.decode('utf-8', 'replace')}", file=sys.stderr)
        identity.signal(signal.SIGKILL)
        identity.wait_gone(_LEFTOVER_SECONDS)


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__


def serve(supervisor: Supervisor) -> int:
    """Run a supervisor in the main thread, with SIGTERM and SIGINT ending the stack."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop("it is told to"))
    code = supervisor.run()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of an interrupted start may hang in a call of some library; nothing waits for them.
    os._exit(code)
