"""Going away without losing a request.

Whoever sends requests needs a moment to learn that a pod goes away, and Gunicorn, told to stop,
closes its port at once. So the master waits: on SIGTERM readiness turns to 503 in every worker,
everything else is served on for the drain time, and only then does Gunicorn stop, which lets the
requests that are running finish.
"""

from __future__ import annotations

import mmap
import os
import signal
import threading
from types import FrameType

__all__ = ["Drain", "drain"]


class Drain:
    """A flag that all processes forked from this one share.

    Anonymous memory mappings are shared with children, so a worker sees at its next look what
    the master wrote.
    """

    def __init__(self) -> None:
        self._flag = mmap.mmap(-1, 1)

    @property
    def draining(self) -> bool:
        """Whether the service is going away."""
        return self._flag[0] != 0

    def begin(self) -> None:
        """Say that the service is going away."""
        self._flag[0] = 1

    def on_sigterm(self, seconds: float) -> None:
        """Put a pause before this process's own reaction to SIGTERM.

        To be called in Gunicorn's master once its signal handlers are in place. A second SIGTERM
        ends the pause.

        Parameters
        ----------
        seconds : float
            The pause.
        """
        then = signal.getsignal(signal.SIGTERM)

        def handle(_number: int, _frame: FrameType | None) -> None:
            signal.signal(signal.SIGTERM, then)
            self.begin()
            timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
            timer.daemon = True
            timer.start()

        signal.signal(signal.SIGTERM, handle)


drain = Drain()
"""The flag of this service; made when the master loads its configuration, before any fork."""
