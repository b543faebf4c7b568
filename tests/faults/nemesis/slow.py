"""Slow and silent: a process takes connections and answers late, or not at all for a while."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.ground import API_SERVER, AWS, Ground

__all__ = ["FAULTS", "Silent", "Slow"]

_STOPPED_SECONDS, _RUNNING_SECONDS = 0.4, 0.1


@dataclass
class Silent:
    """A process is stopped and goes on later."""

    name: str
    process: str
    stages: Sequence[str]
    seconds: float = 7.0

    def apply(self, ground: Ground) -> str:
        """Stop it."""
        ground.freeze(self.process)
        return f"{self.process} answers nothing"

    def heal(self, ground: Ground) -> None:
        """Let it go on."""
        ground.thaw(self.process)


@dataclass
class Slow:
    """A process runs a fifth of the time."""

    name: str
    process: str
    stages: Sequence[str]
    seconds: float = 7.0
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def apply(self, ground: Ground) -> str:
        """Stop it again and again."""
        self._over.clear()
        self._thread = threading.Thread(target=self._slow, args=(ground,), daemon=True)
        self._thread.start()
        return f"{self.process} runs a fifth of the time"

    def heal(self, ground: Ground) -> None:
        """Let it run."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        ground.thaw(self.process)

    def _slow(self, ground: Ground) -> None:
        while not self._over.is_set():
            ground.freeze(self.process)
            self._over.wait(_STOPPED_SECONDS)
            ground.thaw(self.process)
            self._over.wait(_RUNNING_SECONDS)


FAULTS = (
    Silent("api-silent", API_SERVER, ("guard", "act", "verify", "restore")),
    Slow("api-slow", API_SERVER, ("act", "undo")),
    Slow("aws-slow", AWS, ("intake", "act", "close")),
)
