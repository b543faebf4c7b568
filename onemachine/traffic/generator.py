"""Sends orders at a constant rate.

Open loop: the next order is sent when its time has come, not when the one before was answered. A
slow service therefore gets no mercy, as with real customers, and errors are not hidden.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from onemachine.traffic.tally import Tally, outcome_of

__all__ = ["Generator", "Targets", "send_order"]

logger = logging.getLogger(__name__)

_ORDER = json.dumps({"items": [{"sku": "coffee-250g", "quantity": 1}], "customer_id": "demo"})
_HEADERS = {"Content-Type": "application/json", "Connection": "close"}
_TIMEOUT_SECONDS = 10.0
_MAX_RUNNING = 64


class Targets(Protocol):
    """Where orders go."""

    def take(self) -> str | None:
        """Give ``host:port`` for the next order; None where there is none."""

    def __len__(self) -> int:
        """How many there are."""


def send_order(address: str) -> str:
    """Send one order on a connection of its own and name the outcome."""
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/checkout", body=_ORDER, headers=_HEADERS)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        logger.info("lost an order to %s: %s", address, error)
        return "lost"
    finally:
        connection.close()
    return outcome_of(response.status)


class Generator:
    """Sends orders and writes a line each second until it is stopped.

    Parameters
    ----------
    targets : Targets
        Where orders go.
    rate : float
        Orders a second.
    output : Path
        File that lines are appended to.
    """

    def __init__(self, targets: Targets, rate: float, output: Path) -> None:
        self._targets = targets
        self._pause = 1 / rate
        self._output = output
        self._tally = Tally()
        self._free = threading.BoundedSemaphore(_MAX_RUNNING)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Send no more; :meth:`run` returns when what is running has ended."""
        self._stopped.set()

    def run(self) -> None:
        """Send until stopped."""
        with (
            self._output.open("a", encoding="utf-8", buffering=1) as lines,
            ThreadPoolExecutor(_MAX_RUNNING, thread_name_prefix="order") as pool,
        ):
            now = time.monotonic()
            next_order, next_line = now, now + 1
            while not self._stopped.wait(max(0.0, min(next_order, next_line) - time.monotonic())):
                now = time.monotonic()
                if now >= next_line:
                    self._write(lines.write)
                    next_line += 1
                if now >= next_order:
                    self._send(pool)
                    next_order += self._pause
            pool.shutdown()
            self._write(lines.write)

    def _send(self, pool: ThreadPoolExecutor) -> None:
        address = self._targets.take()
        if address is None or not self._free.acquire(blocking=False):
            self._tally.add("not_sent")
            return
        pool.submit(self._order, address)

    def _order(self, address: str) -> None:
        began = time.monotonic()
        try:
            outcome = send_order(address)
        finally:
            self._free.release()
        self._tally.add(outcome, None if outcome == "lost" else time.monotonic() - began)

    def _write(self, write: Callable[[str], object]) -> None:
        second = self._tally.close(time.time(), len(self._targets))
        write(json.dumps(second.as_dict()) + "\n")
