"""Mends what is kept of executions of Express machines: nothing, or nearly.

Of an Express execution Step Functions itself keeps neither a description nor a history; what is to
be known of it later stands in its log. The emulator keeps all of every execution for ever, some
hundred kilobytes for each alert. Here the newest few hundred are kept, for whoever looks into one
on this machine.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ministack.services import stepfunctions

_KEPT = 500


def apply() -> None:
    """Forget the eldest that have ended, whenever another one ends."""
    stock = stepfunctions._run_execution
    ended: deque[str] = deque()

    def run_execution(execution_arn: str) -> Any:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        try:
            return stock(execution_arn)
        finally:
            if machine.get("type") == "EXPRESS":
                ended.append(execution_arn)
                while len(ended) > _KEPT:
                    eldest = ended.popleft()
                    _, _, _, region, account, *_ = eldest.split(":")
                    stepfunctions._executions.pop_scoped(account, region, eldest, None)

    stepfunctions._run_execution = run_execution
