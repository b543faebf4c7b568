"""Mends ``TimeoutSeconds`` and ``HeartbeatSeconds`` given as JSONata expressions.

Step Functions evaluates them. The emulator hands the text to a wait, which fails in a thread of
its own: the task then never ends.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

_FIELDS = ("TimeoutSeconds", "HeartbeatSeconds")


def apply() -> None:
    """Evaluate the two fields before the task runs."""
    stock = stepfunctions._execute_task

    def execute_task(state: dict[str, Any], raw_input: Any, execution: Any, ctx: Any) -> Any:
        if stepfunctions._state_query_language(state, ctx) == "JSONata":
            expressions = [field for field in _FIELDS if isinstance(state.get(field), str)]
            if expressions:
                state = dict(state)
            for field in expressions:
                state[field] = stepfunctions._jsonata_state_field(
                    state, field, "number", raw_input, ctx
                )
        return stock(state, raw_input, execution, ctx)

    stepfunctions._execute_task = execute_task
