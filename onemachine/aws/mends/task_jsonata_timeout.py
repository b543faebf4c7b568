"""Mends ``TimeoutSeconds`` given as a JSONata expression.

Step Functions evaluates it. The emulator hands the text to a wait, which fails in a thread of
its own: the task then never ends.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

_FIELD = "TimeoutSeconds"


def apply() -> None:
    """Evaluate the field before the task runs."""
    stock = stepfunctions._execute_task

    def execute_task(state: dict[str, Any], raw_input: Any, execution: Any, ctx: Any) -> Any:
        expression = isinstance(state.get(_FIELD), str)
        if expression and stepfunctions._state_query_language(state, ctx) == "JSONata":
            seconds = stepfunctions._jsonata_state_field(state, _FIELD, "number", raw_input, ctx)
            state = {**state, _FIELD: seconds}
        return stock(state, raw_input, execution, ctx)

    stepfunctions._execute_task = execute_task
