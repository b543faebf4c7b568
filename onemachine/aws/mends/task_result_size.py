"""Mends how much a task may answer: 256 KiB, and ``States.ALL`` does not catch more.

Step Functions ends a task with ``States.DataLimitExceeded`` whose result is larger than 262,144
bytes of UTF-8 JSON. ``States.ALL`` and ``States.TaskFailed`` match every error but that one, so the
execution fails whatever its ``Catch`` says. The emulator hands on results of any size.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions

MOST_BYTES = 256 * 1024
_ERROR = "States.DataLimitExceeded"


def _checked(resource: str, result: Any) -> Any:
    if _is_small(result):
        return result
    size = len(json.dumps(result, ensure_ascii=False, default=str).encode("utf-8", "replace"))
    if size > MOST_BYTES:
        raise stepfunctions._ExecutionError(
            _ERROR,
            f"The state/task '{resource}' returned a result with a size exceeding the maximum "
            "number of bytes service limit.",
        )
    return result


def _is_small(result: Any) -> bool:
    """Tell by the text of the history, which is written in any case and in ASCII is no shorter."""
    try:
        return len(stepfunctions.json.dumps(result)) <= MOST_BYTES
    except (TypeError, ValueError):
        return False


def apply() -> None:
    """Weigh each result, and let the error be matched by its own name only."""
    stock_invoke, stock_matches = stepfunctions._invoke_resource, stepfunctions._error_matches

    def invoke_resource(resource: str, arguments: Any) -> Any:
        return _checked(resource, stock_invoke(resource, arguments))

    def error_matches(wanted: list[str], error: str) -> bool:
        return error in wanted if error == _ERROR else bool(stock_matches(wanted, error))

    stepfunctions._invoke_resource = invoke_resource
    stepfunctions._error_matches = error_matches
