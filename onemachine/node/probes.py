"""Startup, readiness and liveness probes: the rules, and the thread that asks."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onemachine.node.actions import Outcome, Surroundings, perform

STARTUP = "startup"
READINESS = "readiness"
LIVENESS = "liveness"

_FIRST_READY_PERIOD = 0.5


@dataclass(frozen=True)
class ProbeSpec:
    """A probe of a container, with the defaults of the Pod API.

    Attributes
    ----------
    kind : str
        ``startup``, ``readiness`` or ``liveness``.
    action : Mapping
        The handler.
    initial_delay, period, timeout : float
        Seconds.
    success_threshold, failure_threshold : int
        Results in a row that change the verdict.
    grace : float or None
        Seconds a failing container is given to end; the pod's if None.
    """

    kind: str
    action: Mapping[str, Any]
    initial_delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    success_threshold: int = 1
    failure_threshold: int = 3
    grace: float | None = None

    @classmethod
    def parse(cls, kind: str, spec: Mapping[str, Any]) -> "ProbeSpec":
        """Read a probe of the pod spec."""
        grace = spec.get("terminationGracePeriodSeconds")
        return cls(
            kind=kind,
            action={k: spec[k] for k in ("httpGet", "tcpSocket", "exec", "grpc") if k in spec},
            initial_delay=float(spec.get("initialDelaySeconds") or 0),
            period=float(spec.get("periodSeconds") or 10),
            timeout=float(spec.get("timeoutSeconds") or 1),
            success_threshold=int(spec.get("successThreshold") or 1),
            failure_threshold=int(spec.get("failureThreshold") or 3),
            grace=None if grace is None else float(grace),
        )


def parse_probes(container: Mapping[str, Any]) -> dict[str, ProbeSpec]:
    """Return the probes of a container by kind."""
    keys = {STARTUP: "startupProbe", READINESS: "readinessProbe", LIVENESS: "livenessProbe"}
    return {k: ProbeSpec.parse(k, container[key]) for k, key in keys.items() if container.get(key)}


class ProbeTracker:
    """Turns single results into a verdict.

    A verdict is ``None`` until the first threshold is reached, then True or False; it changes
    only when the *other* result came often enough in a row.

    Parameters
    ----------
    spec : ProbeSpec
        Gives the thresholds.
    """

    def __init__(self, spec: ProbeSpec) -> None:
        self._spec = spec
        self._last: bool | None = None
        self._run = 0
        self.verdict: bool | None = None

    def record(self, success: bool) -> bool:
        """Count one result; return whether the verdict changed."""
        self._run = self._run + 1 if success == self._last else 1
        self._last = success
        needed = self._spec.success_threshold if success else self._spec.failure_threshold
        if self._run < needed or self.verdict is success:
            return False
        self.verdict = success
        return True


class Prober(threading.Thread):
    """Asks one probe of one container run until told to stop.

    Parameters
    ----------
    spec : ProbeSpec
        What to ask.
    where : Surroundings
        Whom.
    report : callable
        Called from this thread with (outcome, verdict changed, verdict) after each result.
    """

    def __init__(
        self,
        spec: ProbeSpec,
        where: Surroundings,
        report: Callable[[Outcome, bool, bool | None], None],
    ) -> None:
        super().__init__(name=f"{spec.kind} probe {where.address}", daemon=True)
        self._spec = spec
        self._where = where
        self._report = report
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """Ask no more."""
        self._stop_asked.set()

    def _pause(self, been_good: bool) -> float:
        # "While a container is not Ready, the ReadinessProbe may be executed at times other than
        # the configured periodSeconds interval. This is to make the Pod ready faster." (Pod API)
        if self._spec.kind == READINESS and not been_good:
            return min(self._spec.period, _FIRST_READY_PERIOD)
        return self._spec.period

    def run(self) -> None:
        """Probe until stopped."""
        tracker = ProbeTracker(self._spec)
        been_good = False
        pause = self._spec.initial_delay
        while not self._stop_asked.wait(pause):
            outcome = perform(self._spec.action, self._where, self._spec.timeout)
            if self._stop_asked.is_set():
                return
            changed = tracker.record(outcome.success)
            self._report(outcome, changed, tracker.verdict)
            been_good = been_good or tracker.verdict is True
            pause = self._pause(been_good)
