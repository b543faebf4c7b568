"""Mends ``Output`` of a Succeed state in JSONata.

Step Functions ends the execution with it. The emulator ends it with the state's input, so that what
waits for the execution reads the answer of its last task.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions


def apply() -> None:
    """Evaluate the field where the state would let its input pass."""
    stock = stepfunctions._apply_output_path

    def apply_output_path(state: dict[str, Any], data: Any, ctx: Any = None) -> Any:
        ends = state.get("Type") == "Succeed" and "Output" in state
        if ends and stepfunctions._state_query_language(state, ctx) == "JSONata":
            return stepfunctions._apply_jsonata_output(state, data, ctx, default=data)
        return stock(state, data, ctx)

    stepfunctions._apply_output_path = apply_output_path
