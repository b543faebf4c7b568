"""Mends when events are delivered: after PutEvents has answered, as on AWS.

EventBridge answers as soon as it has an event safe, and delivers it afterwards. The emulator
delivers each event to all its targets before it answers, on the very thread that answers every
other request: ten events in one call, each of which starts several executions, take longer than a
careful client waits, which then sends them once more. Here a thread of its own delivers, in the
order in which the events came.
"""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge

from onemachine.aws.turns import COMPUTING

log = logging.getLogger(__name__)


class Delivery:
    """Delivers what it is given, one after the other, on its own thread."""

    def __init__(self, deliver: Callable[..., None]) -> None:
        self._deliver = deliver
        self._waiting: queue.SimpleQueue[tuple[contextvars.Context, Any, Any]] = queue.SimpleQueue()
        self._current: tuple[Any, Any] | None = None
        threading.Thread(target=self._run, daemon=True, name="event-delivery").start()

    def take(self, event: Any, view: Any = None) -> None:
        """Queue an event; returns at once."""
        # A thread knows account and region only by its context.
        self._waiting.put((contextvars.copy_context(), event, view))

    def undelivered(self) -> list[tuple[Any, Any]]:
        """Take what waits, and what is being delivered; nothing of it is delivered any more."""
        found = [] if self._current is None else [self._current]
        while not self._waiting.empty():
            _, event, view = self._waiting.get_nowait()
            found.append((event, view))
        return found

    def _run(self) -> None:
        while True:
            self._current = None
            context, event, view = self._waiting.get()
            self._current = (event, view)
            try:
                # It is soon done, and everything that an event starts waits for it.
                with COMPUTING.held(first=True):
                    context.run(self._deliver, event, view)
            except Exception:
                # The thread must go on: every later event waits for it.
                log.exception("event %s was not delivered to every target", event.get("EventId"))


def undelivered() -> list[tuple[Any, Any]]:
    """Take every event that was put on a bus and is not delivered to all its targets."""
    return [each for delivery in _deliveries for each in delivery.undelivered()]


_deliveries: list[Delivery] = []


def apply() -> None:
    """Queue where the emulator delivers."""
    delivery = Delivery(eventbridge._dispatch_event)
    _deliveries.append(delivery)
    eventbridge._dispatch_event = delivery.take
