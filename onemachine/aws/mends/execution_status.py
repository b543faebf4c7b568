"""Mends how an execution ends, and who is told.

On AWS an execution ends once, by its machine's ``TimeoutSeconds`` if by nothing else, and only a
Standard execution reports its status on the default bus. The emulator ignores the machine's
timeout, turns an execution that was stopped into a failed one when its running task fails
afterwards (with a second event), and reports Express executions too.
"""

from __future__ import annotations

import contextvars
import json
import threading
from typing import Any

from ministack.services import stepfunctions


def _timeout_seconds(execution: dict[str, Any]) -> float | None:
    machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
    try:
        definition = json.loads(machine.get("definition", "{}"))
    except ValueError:
        return None
    seconds = definition.get("TimeoutSeconds")
    return float(seconds) if isinstance(seconds, int | float) else None


def _time_out(execution: dict[str, Any]) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=stepfunctions.now_iso())
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    stepfunctions._emit_execution_status_event(execution)


def apply() -> None:
    """End an execution by its time, once, and let only Standard ones report."""
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
        timer = threading.Timer(seconds, context.run, (_time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            return stock_run(execution_arn)
        finally:
            timer.cancel()

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
