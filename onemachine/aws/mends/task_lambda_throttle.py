"""Mends the error name of a task whose function is throttled.

Step Functions calls it ``Lambda.TooManyRequestsException``, which the Retry of every careful
machine names. The emulator calls it ``Lambda.Unknown``.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions


def _is_throttle(cause: Any) -> bool:
    try:
        return bool(json.loads(cause).get("__type") == "TooManyRequestsException")
    except (ValueError, TypeError, AttributeError):
        return False


def apply() -> None:
    """Rename the error."""
    stock = stepfunctions._call_lambda

    def call_lambda(function: str, event: Any) -> Any:
        try:
            return stock(function, event)
        except stepfunctions._ExecutionError as error:
            if _is_throttle(error.cause):
                raise stepfunctions._ExecutionError(
                    "Lambda.TooManyRequestsException", error.cause
                ) from error
            raise

    stepfunctions._call_lambda = call_lambda
