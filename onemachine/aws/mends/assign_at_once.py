"""Mends ``Assign``: all its variables are worked out from what they were before it.

Step Functions evaluates the fields of one ``Assign`` side by side, so that none sees what another
gives (https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html). The emulator
assigns one after the other: a machine that relied on that would do something else on AWS.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions


def apply() -> None:
    """Assign when all has been evaluated."""

    def assign(
        state_def: Any, raw_input: Any, ctx: Any, result: Any = None, error_output: Any = None
    ) -> None:
        if ctx is None or stepfunctions._state_query_language(state_def, ctx) != "JSONata":
            return
        fields = state_def.get("Assign")
        if not isinstance(fields, dict):
            return
        given = {
            name: stepfunctions._apply_jsonata_template(
                template, raw_input, ctx, result=result, error_output=error_output
            )
            for name, template in fields.items()
        }
        ctx.setdefault("variables", {}).update(given)

    stepfunctions._apply_state_assign = assign
