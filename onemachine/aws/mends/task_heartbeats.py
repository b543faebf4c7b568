"""Mends ``HeartbeatSeconds`` of ``.waitForTaskToken`` tasks.

Step Functions fails a task whose worker has been silent for longer. The emulator takes heartbeats
and never looks at them: such a task waits until its TimeoutSeconds, by default for ever.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from ministack.services import stepfunctions

_POLL_SECONDS = 0.2


class HeartbeatEvent(threading.Event):
    """The event that a callback task waits on, ending early when the worker falls silent."""

    def __init__(self, heartbeat_seconds: float) -> None:
        super().__init__()
        self._heartbeat_seconds = heartbeat_seconds
        self.last_beat = time.monotonic()
        self.silent = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the callback; False after ``timeout`` seconds or too long a silence."""
        self.last_beat = time.monotonic()
        deadline = None if timeout is None else time.monotonic() + timeout
        while not super().wait(_POLL_SECONDS):
            now = time.monotonic()
            self.silent = now - self.last_beat > self._heartbeat_seconds
            if self.silent or (deadline is not None and now > deadline):
                return False
        return True


class _Threading:
    """The emulator's view of ``threading``: events of a task with heartbeats know them."""

    def __init__(self) -> None:
        self.current: Any = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)

    def Event(self) -> threading.Event:  # noqa: N802 - stands in for threading.Event
        seconds = getattr(self.current, "heartbeat_seconds", None)
        if seconds is None:
            return threading.Event()
        self.current.heartbeat_seconds = None
        event = HeartbeatEvent(float(seconds))
        self.current.event = event
        return event


def apply() -> None:
    """Give each callback task an event that knows its heartbeat."""
    view = _Threading()
    stock_callback = stepfunctions._invoke_with_callback
    stock_heartbeat = stepfunctions._send_task_heartbeat

    def invoke_with_callback(
        resource: str, input_data: Any, token: str, state: dict[str, Any]
    ) -> Any:
        # The first event that the stock function makes is the one it waits on.
        view.current.event = None
        view.current.heartbeat_seconds = state.get("HeartbeatSeconds")
        try:
            return stock_callback(resource, input_data, token, state)
        except stepfunctions._ExecutionError as error:
            event: HeartbeatEvent | None = view.current.event
            if error.error == "States.Timeout" and event is not None and event.silent:
                raise stepfunctions._ExecutionError(
                    "States.HeartbeatTimeout", "The task sent no heartbeat in time"
                ) from error
            raise

    def send_task_heartbeat(data: dict[str, Any]) -> Any:
        token = stepfunctions._task_tokens.get(data.get("taskToken")) or {}
        event = token.get("event")
        if isinstance(event, HeartbeatEvent):
            event.last_beat = time.monotonic()
        return stock_heartbeat(data)

    stepfunctions.threading = view
    stepfunctions._invoke_with_callback = invoke_with_callback
    stepfunctions._send_task_heartbeat = send_task_heartbeat
