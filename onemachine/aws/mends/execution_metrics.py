"""Mends the ``AWS/States`` metrics of state machines.

Step Functions counts how executions start and end and how long they took. The emulator counts
nothing, so that no alarm on a failed execution ever goes.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import cloudwatch, stepfunctions

_ENDS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def apply() -> None:
    """Count where every execution passes."""
    stock = stepfunctions._run_execution

    def run_execution(execution_arn: str) -> Any:
        execution = stepfunctions._executions.get(execution_arn) or {}
        dimensions = {"StateMachineArn": execution.get("stateMachineArn", "")}

        def count(metric: str, value: float = 1, unit: str = "Count") -> None:
            cloudwatch.record_metric("AWS/States", metric, value, unit, dimensions)

        started = time.monotonic()
        count("ExecutionsStarted")
        try:
            return stock(execution_arn)
        finally:
            end = _ENDS.get(execution.get("status", ""))
            if end:
                count(end)
                count("ExecutionTime", (time.monotonic() - started) * 1000, "Milliseconds")

    stepfunctions._run_execution = run_execution
