"""Killed in the middle: a Lambda while it works, or right after it has written."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.ground import Ground
from tests.faults.processes import workers_of

__all__ = ["FAULTS", "HalfDone", "WorkerKilled"]

_AGAIN_SECONDS = 0.7


def kill_workers(ground: Ground, function: str) -> int:
    """Kill every process in which a function runs; gives how many."""
    return sum(worker.signal(signal.SIGKILL) for worker in workers_of(ground.folder, function))


@dataclass
class WorkerKilled:
    """The processes of a function are killed, again and again for a while."""

    name: str
    function: str
    stages: Sequence[str]
    seconds: float = 3.0
    _over: threading.Event = field(default_factory=threading.Event, init=False)

    def apply(self, ground: Ground) -> str:
        """Kill them."""
        self._over.clear()
        threading.Thread(target=self._kill, args=(ground,), daemon=True).start()
        return f"every process of {self.function} is killed"

    def heal(self, ground: Ground) -> None:
        """Let the next ones live."""
        self._over.set()

    def _kill(self, ground: Ground) -> None:
        while not self._over.is_set():
            kill_workers(ground, self.function)
            self._over.wait(_AGAIN_SECONDS)


@dataclass
class HalfDone:
    """runbook-action dies as soon as the API server has taken what it wrote."""

    name: str = "half-done"
    stages: Sequence[str] = ("act", "undo", "restore")
    seconds: float = 10.0
    _hits: list[float] = field(default_factory=list, init=False)

    def apply(self, ground: Ground) -> str:
        """Wait for a change of an object."""
        self._ground = ground
        ground.watchers.append(self._strike)
        return "runbook-action is killed at the first changes that are seen"

    def heal(self, ground: Ground) -> None:
        """Wait no more."""
        if self._strike in ground.watchers:
            ground.watchers.remove(self._strike)

    def _strike(self, _name: str, _change: Mapping[str, Any]) -> None:
        if kill_workers(self._ground, "runbook-action"):
            self._hits.append(time.time())


FAULTS = (
    WorkerKilled("ingest-killed", "alert-ingest", ("intake",)),
    WorkerKilled("action-killed", "runbook-action", ("guard", "act", "verify", "undo")),
    HalfDone(),
)
