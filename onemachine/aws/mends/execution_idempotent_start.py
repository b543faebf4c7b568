"""Mends StartExecution with a name that is taken.

For a Standard machine, the same name and input while that execution runs gives the same execution:
a caller that did not hear the first answer may simply ask again. The emulator refuses always.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions


def apply() -> None:
    """Answer a repeated start with the running execution."""
    stock = stepfunctions._start_execution

    def start_execution(data: dict[str, Any]) -> Any:
        arn = stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", ""))
        name = data.get("name")
        if arn is not None and name:
            execution = stepfunctions._executions.get(
                f"{arn.replace(':stateMachine:', ':execution:')}:{name}"
            )
            if (
                execution is not None
                and execution["status"] == "RUNNING"
                and execution["input"] == data.get("input", "{}")
            ):
                return stepfunctions.json_response(
                    {
                        "executionArn": execution["executionArn"],
                        "startDate": execution["startDate"],
                    }
                )
        return stock(data)

    stepfunctions._start_execution = start_execution
