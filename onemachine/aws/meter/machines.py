"""State machines: transitions, Express executions, and the logs that they would write.

A Standard machine is charged by the states that it enters, each retry of one besides; an Express
one by its start and by time and memory: 100 ms and 64 MB at least, which one event fits into. The
local Step Functions writes no logs: their lines are made up here, as AWS makes them for a machine
that logs everything without its data (``Level: ALL``, ``IncludeExecutionData: false``).
"""

from __future__ import annotations

import json
import math
import time
from typing import Any

from ministack.services import stepfunctions

from onemachine.aws.meter import Meter
from onemachine.aws.meter.calls import log_bytes

_EXPRESS_GIGABYTES = 64 / 1024
_STEP_MILLISECONDS = 100


def _machine(execution: dict[str, Any]) -> dict[str, Any]:
    return stepfunctions._state_machines.get(execution.get("stateMachineArn", "")) or {}


def _is_express(execution: dict[str, Any]) -> bool:
    return bool(_machine(execution).get("type") == "EXPRESS")


def logs_everything(machine: dict[str, Any]) -> bool:
    """Tell whether each event of a machine's histories is logged.

    The emulator keeps the words of whoever made the machine: the API's, or CloudFormation's.
    """
    kept = machine.get("loggingConfiguration") or {}
    return kept.get("level", kept.get("Level")) == "ALL"


def line(execution: dict[str, Any], event: dict[str, Any]) -> str:
    """Give a line of a machine's log for an event of its history, without its data."""
    details: dict[str, Any] = next(
        (each for key, each in event.items() if key.endswith("Details")), {}
    )
    plain = {key: each for key, each in details.items() if key in ("name", "resource", "error")}
    return json.dumps(
        {
            "id": str(event["id"]),
            "type": event["type"],
            "details": plain,
            "redrive_count": "0",
            "previous_event_id": str(event["id"] - 1),
            "event_timestamp": "1700000000000",
            "execution_arn": execution["executionArn"],
        }
    )


def apply(meter: Meter) -> None:
    """Count where every event of a history and every execution passes."""
    stock_add = stepfunctions._add_event
    stock_run = stepfunctions._run_execution
    # Executions that have entered a task whose first attempt has not begun.
    entered: set[str] = set()

    def count(execution: dict[str, Any], event: dict[str, Any]) -> None:
        name = str(_machine(execution).get("name", ""))
        arn, kind = execution["executionArn"], event["type"]
        if kind.endswith("StateEntered"):
            meter.add("transitions", of=name)
            if kind == "TaskStateEntered":
                entered.add(arn)
        elif kind == "TaskScheduled":
            if arn in entered:
                entered.discard(arn)
            else:
                meter.add("transitions", of=name)
        elif kind in ("ExecutionSucceeded", "ExecutionFailed"):
            entered.discard(arn)

    def add_event(execution: dict[str, Any], kind: str, details: Any = None) -> Any:
        event = stock_add(execution, kind, details)
        if not _is_express(execution):
            count(execution, event)
            machine = _machine(execution)
            if logs_everything(machine):
                size = log_bytes(line(execution, event))
                meter.add("machine_log_bytes", size, of=str(machine.get("name", "")))
        return event

    def run_execution(arn: str) -> Any:
        execution = stepfunctions._executions.get(arn) or {}
        express, name = _is_express(execution), str(_machine(execution).get("name", ""))
        started = time.monotonic()
        try:
            return stock_run(arn)
        finally:
            # Each reads and writes its history with a key of ours, which is kept for a quarter of
            # an hour: no more than one call for one execution.
            meter.add("service_key_calls", of="Step Functions")
            if express:
                steps = math.ceil((time.monotonic() - started) * 1000 / _STEP_MILLISECONDS)
                seconds = steps * _STEP_MILLISECONDS / 1000
                meter.add("express_requests", of=name)
                meter.add("express_gb_seconds", seconds * _EXPRESS_GIGABYTES, of=name)

    stepfunctions._add_event = add_event
    stepfunctions._run_execution = run_execution
