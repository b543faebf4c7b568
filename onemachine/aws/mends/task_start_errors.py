"""Mends the names of the errors of ``states:startExecution``.

Step Functions puts the service before an error of a start and ``Exception`` behind it, for example
``StepFunctions.ExecutionAlreadyExistsException``. The emulator hands the bare name of the API's
error on, so that a ``Retry`` or ``Catch`` by name never matches.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions


def apply() -> None:
    """Name the error as Step Functions does."""
    stock = stepfunctions._invoke_nested_start_execution

    def start(resource: str, arguments: Any) -> Any:
        try:
            return stock(resource, arguments)
        except stepfunctions._ExecutionError as error:
            if error.error.startswith("States."):
                raise
            name = error.error.removesuffix("Exception")
            raise stepfunctions._ExecutionError(
                f"StepFunctions.{name}Exception", error.cause
            ) from error

    stepfunctions._invoke_nested_start_execution = start
