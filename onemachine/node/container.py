"""The state of one container over its runs: waiting, running, ended, and when to start again."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from onemachine.node.actions import Outcome, Surroundings
from onemachine.node.backoff import Backoff, BackoffPolicy
from onemachine.node.container_process import ContainerProcess
from onemachine.node.probes import LIVENESS, READINESS, STARTUP, Prober, parse_probes
from onemachine.node.status import ContainerView, Running, State, Terminated, Waiting
from onemachine.node.timestamps import now

ProbeReport = Callable[["ContainerUnit", int, str, Outcome, bool, bool | None], None]
"""(container, run, kind of probe, outcome, verdict changed, verdict), from a probe's thread."""


class ContainerUnit:
    """One container of a pod.

    All methods are called from the pod's worker thread only.

    Parameters
    ----------
    spec : Mapping
        The container of the pod spec.
    policy : BackoffPolicy
        Restart back-off.
    previous : Mapping or None
        Its status from before the agent started, whose restart count goes on.
    """

    def __init__(
        self, spec: Mapping[str, Any], policy: BackoffPolicy, previous: Mapping[str, Any] | None
    ) -> None:
        self.spec = spec
        self.name: str = spec["name"]
        self.probes = parse_probes(spec)
        self.state: State = Waiting("ContainerCreating")
        self.last: Terminated | None = None
        self.restarts = 0
        ran_before = previous is not None and "waiting" not in (previous.get("state") or {})
        if previous is not None:
            self.restarts = int(previous.get("restartCount") or 0) + (1 if ran_before else 0)
        self.process: ContainerProcess | None = None
        self.surroundings: Surroundings | None = None
        self.run = 0
        self.stopping = False
        self.next_start: float | None = time.monotonic()
        self._backoff = Backoff(policy)
        self._setup_backoff = Backoff(policy)
        self._lived = 0.0
        self._ready = False
        self._started = False
        self._container_id = ""
        self._probers: dict[str, Prober] = {}

    # -- what others want to know -------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None

    @property
    def completed(self) -> bool:
        """Whether it has ended well and will not run again."""
        return isinstance(self.state, Terminated) and self.state.exit_code == 0

    def due(self, moment: float) -> bool:
        """Whether it should be started now."""
        return not self.running and self.next_start is not None and self.next_start <= moment

    def view(self) -> ContainerView:
        """Return its part of the pod's status."""
        return ContainerView(
            name=self.name,
            image=self.spec["image"],
            state=self.state,
            last=self.last,
            restarts=self.restarts,
            started=self.running and self._started,
            ready=self.running and self._started and self._ready,
            container_id=self._container_id,
        )

    # -- transitions ----------------------------------------------------------------------------

    def hold(self, reason: str, message: str, retry: float | None = None) -> float:
        """Keep it waiting because it cannot be set up; return the seconds until the next try."""
        self.state = Waiting(reason, message)
        delay = retry if retry is not None else self._setup_backoff.next_delay()
        self.next_start = time.monotonic() + delay
        return delay

    def begun(self, process: ContainerProcess, where: Surroundings, container_id: str) -> None:
        """Note that a run has begun."""
        if self.last is not None:
            self.restarts += 1
        self.process = process
        self.surroundings = where
        self.stopping = False
        self.next_start = None
        self.state = Running(now())
        self._container_id = container_id
        self._started = STARTUP not in self.probes
        self._ready = READINESS not in self.probes

    def failed_to_start(self, message: str) -> Terminated:
        """Note that the command could not be started; counts as a run that ended with 128."""
        if self.last is not None:
            self.restarts += 1
        return self._finish(128, "StartError", now(), 0.0, message)

    def ended(self, exit_code: int) -> Terminated:
        """Note that its process has ended."""
        self.stop_probes()
        process, self.process = self.process, None
        started = self.state.started_at if isinstance(self.state, Running) else now()
        lived = time.monotonic() - process.started if process else 0.0
        reason = "Completed" if exit_code == 0 else "Error"
        return self._finish(exit_code, reason, started, lived)

    def _finish(
        self, exit_code: int, reason: str, started: str, lived: float, message: str = ""
    ) -> Terminated:
        end = Terminated(exit_code, reason, started, now(), self._container_id, message)
        self.state = end
        self.next_start = None
        self._lived = lived
        return end

    def schedule_restart(self) -> float:
        """Plan the next run by the back-off; return the seconds until then."""
        delay = self._backoff.next_delay(self._lived)
        if isinstance(self.state, Terminated):
            self.last = self.state
        self.next_start = time.monotonic() + delay
        if delay > 0:
            message = f"back-off {delay:g}s restarting failed container={self.name}"
            self.state = Waiting("CrashLoopBackOff", message)
        return delay

    # -- probes -----------------------------------------------------------------------------------

    def start_probes(self, report: ProbeReport) -> None:
        """Start the probes that are due: startup alone first, then the others."""
        if self.surroundings is None:
            return
        kinds = (READINESS, LIVENESS) if self._started else (STARTUP,)
        run = self.run
        for kind in kinds:
            if kind in self.probes and kind not in self._probers:
                spec = self.probes[kind]

                def tell(
                    outcome: Outcome, changed: bool, verdict: bool | None, kind: str = kind
                ) -> None:
                    report(self, run, kind, outcome, changed, verdict)

                prober = Prober(spec, self.surroundings, tell)
                self._probers[kind] = prober
                prober.start()

    def stop_probes(self, *kinds: str) -> None:
        """Stop the probes of these kinds, or all."""
        for kind in kinds or tuple(self._probers):
            prober = self._probers.pop(kind, None)
            if prober is not None:
                prober.stop()

    def judge(self, kind: str, verdict: bool) -> bool:
        """Take a probe's changed verdict; return True if the container must be killed for it."""
        if kind == READINESS:
            self._ready = verdict
            return False
        if kind == STARTUP and verdict:
            self._started = True
            self.stop_probes(STARTUP)
        return not verdict
