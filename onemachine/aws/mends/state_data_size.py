"""Mends how much a state may work out: 256 KiB for what it assigns, is given, and hands on.

Step Functions lets all variables of one ``Assign`` be 262,144 bytes of UTF-8 JSON together, and so
much the arguments of a task and the output of a state
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). The emulator keeps any
size, so a machine that gathers the names of a flood would end on AWS only. What a task answers is
weighed by :mod:`task_result_size`, which also keeps ``States.ALL`` from catching the error.
"""

from __future__ import annotations

import json
import marshal
from typing import Any

from ministack.services import stepfunctions

MOST_BYTES = 256 * 1024
_ERROR = "States.DataLimitExceeded"
# A character takes a byte there and six as JSON (``\\u0001``) at most, as does what is around it.
_GROWS = 6


def _is_small(value: Any) -> bool:
    """Tell by what costs microseconds; of nearly all it tells enough."""
    try:
        return len(marshal.dumps(value, 2)) * _GROWS <= MOST_BYTES
    except ValueError:  # not only plain values
        return False


def _weighed(value: Any, what: str) -> Any:
    if _is_small(value):
        return value
    text = json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise stepfunctions._ExecutionError(
            _ERROR, f"{what} exceed the maximum number of bytes service limit."
        )
    return value


def apply() -> None:
    """Weigh what each state in JSONata works out; what is too much is not kept."""
    stock_assign = stepfunctions._apply_state_assign
    stock_output = stepfunctions._apply_jsonata_output
    stock_arguments = stepfunctions._apply_jsonata_arguments

    def assign(
        state_def: Any, raw_input: Any, ctx: Any, result: Any = None, error_output: Any = None
    ) -> None:
        before = dict(ctx.get("variables", {})) if ctx else {}
        stock_assign(state_def, raw_input, ctx, result=result, error_output=error_output)
        names = state_def.get("Assign")
        if not ctx or not isinstance(names, dict):
            return
        kept = ctx.get("variables", {})
        try:
            _weighed({name: kept[name] for name in names if name in kept}, "The variables assigned")
        except stepfunctions._ExecutionError:
            ctx["variables"] = before
            raise

    def output(state_def: Any, *args: Any, **named: Any) -> Any:
        value = stock_output(state_def, *args, **named)
        return _weighed(value, "The contents of the output") if "Output" in state_def else value

    def arguments(*args: Any, **named: Any) -> Any:
        return _weighed(stock_arguments(*args, **named), "The contents of the arguments")

    stepfunctions._apply_state_assign = assign
    stepfunctions._apply_jsonata_output = output
    stepfunctions._apply_jsonata_arguments = arguments
