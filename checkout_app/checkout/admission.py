"""How many orders a worker takes at a time.

A worker answers with a fixed number of threads. Were orders to have all of them, probes and scrapes
would queue behind orders that wait for something slow: the kubelet would kill the pods that wait,
and the metrics that show it would be missing. So one thread stays free, and an order that finds no
other is refused at once, which is quick, counted, and safe to send again.
"""

from __future__ import annotations

import threading

__all__ = ["Admission", "admission"]


class Admission:
    """The orders of one worker; without a limit until one is set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limit: int | None = None
        self._taken = 0

    def limit_to(self, orders: int) -> None:
        """Say how many orders are taken at a time, at least one.

        Raises
        ------
        ValueError
            There would be none.
        """
        if orders < 1:
            raise ValueError(f"at least one order has to be taken at a time, not {orders}")
        with self._lock:
            self._limit = orders

    def enter(self) -> bool:
        """Take an order, if there is room; who was let in has to `leave`."""
        with self._lock:
            if self._limit is not None and self._taken >= self._limit:
                return False
            self._taken += 1
            return True

    def leave(self) -> None:
        """Make room for the next order."""
        with self._lock:
            self._taken -= 1


admission = Admission()
"""That of this process. Each worker has its own: its threads are its own, too."""
