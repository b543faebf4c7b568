"""Mends how an execution ends, and who is told.

On AWS an execution ends once, by its machine's ``TimeoutSeconds`` if by nothing else, and only a
Standard execution reports its status on the default bus. The emulator ignores the machine's
timeout, turns an execution that was stopped into a failed one when its running task fails
afterwards (with a second event), and reports Express executions too.
"""

from __future__ import annotations

import contextvars
import functools
import heapq
import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions


class Deadlines:
    """Calls back at given times, all on one thread: an execution is worth none of its own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._cancelled: set[int] = set()
        threading.Thread(target=self._run, daemon=True, name="execution-deadlines").start()

    def after(self, seconds: float, call: Callable[[], None]) -> int:
        """Call back after so many seconds; returns what :meth:`cancel` takes."""
        with self._changed:
            number = next(self._number)
            heapq.heappush(self._due, (time.monotonic() + seconds, number, call))
            if self._due[0][1] == number:
                self._changed.notify()
            return number

    def cancel(self, number: int) -> None:
        """Do not call back; nothing where that has happened."""
        with self._changed:
            if len(self._due) > 1000 and len(self._cancelled) * 2 > len(self._due):
                self._due = [each for each in self._due if each[1] not in self._cancelled]
                heapq.heapify(self._due)
                self._cancelled.clear()
            self._cancelled.add(number)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    left = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(left)
                _, number, call = heapq.heappop(self._due)
                if number in self._cancelled:
                    self._cancelled.discard(number)
                    continue
            call()


@functools.lru_cache(maxsize=256)
def _timeout_of(definition: str) -> float | None:
    try:
        seconds = json.loads(definition).get("TimeoutSeconds")
    except ValueError:
        return None
    return float(seconds) if isinstance(seconds, int | float) else None


def _timeout_seconds(execution: dict[str, Any]) -> float | None:
    machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
    return _timeout_of(machine.get("definition", "{}"))


def _time_out(execution: dict[str, Any]) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=stepfunctions.now_iso())
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    stepfunctions._emit_execution_status_event(execution)


def apply() -> None:
    """End an execution by its time, once, and let only Standard ones report."""
    deadlines = Deadlines()
    stock_run = stepfunctions._run_execution
    stock_fail = stepfunctions._fail_execution
    stock_emit = stepfunctions._emit_execution_status_event

    def run_execution(execution_arn: str) -> Any:
        execution = stepfunctions._executions.get(execution_arn)
        seconds = _timeout_seconds(execution) if execution else None
        if seconds is None:
            return stock_run(execution_arn)
        # A thread knows account and region only by its context.
        context = contextvars.copy_context()
        number = deadlines.after(seconds, lambda: context.run(_time_out, execution))
        try:
            return stock_run(execution_arn)
        finally:
            deadlines.cancel(number)

    def fail_execution(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            stock_fail(execution, error, cause)

    def emit(execution: dict[str, Any]) -> None:
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        if machine.get("type", "STANDARD") == "STANDARD":
            stock_emit(execution)

    stepfunctions._run_execution = run_execution
    stepfunctions._fail_execution = fail_execution
    stepfunctions._emit_execution_status_event = emit
