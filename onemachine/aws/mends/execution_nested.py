"""Mends a task that waits for the execution of another machine (``states:startExecution.sync``).

On AWS that is an execution like any other: it has its turn and its metrics, says its status on the
default bus, may be described and stopped, and a name is taken once. Where it ends otherwise than
well the task fails as ``States.TaskFailed``, with what became of it as the cause; where the one
that waits is stopped or out of time, Step Functions stops it too. The emulator runs it inside the
thread of the one that waits, silently, names the error as the child did, starts a second one under
a name that is taken, and lets it run on after its parent was stopped.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions

_waiting: ContextVar[str] = ContextVar("waiting_execution", default="")
#: What ends otherwise (by the time of its machine) is seen within this time.
_LOOK_SECONDS = 1.0


def _described(execution: dict[str, Any]) -> dict[str, Any]:
    names = ("executionArn", "input", "name", "startDate", "stateMachineArn", "status", "stopDate")
    return {name[0].upper() + name[1:]: execution.get(name) for name in names}


def _outcome(execution: dict[str, Any], parsed: bool) -> dict[str, Any]:
    if execution["status"] != "SUCCEEDED":
        failure = {"Error": execution.get("error") or "", "Cause": execution.get("cause") or ""}
        cause = json.dumps({**_described(execution), **failure})
        raise stepfunctions._ExecutionError("States.TaskFailed", cause)
    output = execution.get("output") or "{}"
    return {**_described(execution), "Output": json.loads(output) if parsed else output}


class Watched:
    """Wakes up whoever waits for the end of an execution, and nobody else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = defaultdict(set)

    @contextlib.contextmanager
    def ends_of(self, *executions: str) -> Iterator[threading.Event]:
        """Give an event that each end of these sets, while the block lasts."""
        told = threading.Event()
        with self._lock:
            for each in executions:
                self._waiting[each].add(told)
        try:
            yield told
        finally:
            with self._lock:
                for each in executions:
                    self._waiting[each].discard(told)
                    if not self._waiting[each]:
                        del self._waiting[each]

    def tell(self, execution: str) -> None:
        """Tell that an execution has ended."""
        with self._lock:
            for each in self._waiting.get(execution, ()):
                each.set()


def apply() -> None:
    """Start a child like any execution, wait for its end, and end it with its parent."""
    watched = Watched()
    stock_run = stepfunctions._run_execution
    stock_stop = stepfunctions._stop_execution

    def run_execution(execution_arn: str) -> Any:
        token = _waiting.set(execution_arn)
        try:
            return stock_run(execution_arn)
        finally:
            _waiting.reset(token)
            watched.tell(execution_arn)

    def stop_execution(data: dict[str, Any]) -> Any:
        try:
            return stock_stop(data)
        finally:
            watched.tell(str(data.get("executionArn")))

    def start_and_wait(resource: str, arguments: Any) -> dict[str, Any]:
        mine = _waiting.get()
        parent = stepfunctions._executions.get(mine) or {"status": "RUNNING"}
        if parent["status"] != "RUNNING":  # its retries must not begin anything
            raise stepfunctions._ExecutionError("States.TaskFailed", "the one that waits has ended")
        started = stepfunctions._invoke_nested_start_execution(resource, arguments)
        child = stepfunctions._executions[started["ExecutionArn"]]
        with watched.ends_of(started["ExecutionArn"], mine) as told:
            while child["status"] == "RUNNING" and parent["status"] == "RUNNING":
                told.wait(_LOOK_SECONDS)
                told.clear()
        if child["status"] == "RUNNING":
            stop_execution(
                {"executionArn": started["ExecutionArn"], "cause": "the one that waited has ended"}
            )
        return _outcome(child, parsed=resource.endswith(".sync:2"))

    stepfunctions._run_execution = run_execution
    stepfunctions._stop_execution = stop_execution
    stepfunctions._invoke_nested_start_execution_sync = start_and_wait
