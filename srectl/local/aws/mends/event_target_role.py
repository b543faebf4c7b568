"""Mends what a rule may start: the target's role is asked.

EventBridge starts an execution, or invokes an API destination, as the role that the target names;
without the grant the event goes to the target's dead-letter queue. The emulator does it as nobody.
A role without any policy is left alone, as in ``task_role_grants``.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from srectl.local.aws.mends import event_dead_letters

_ACTIONS = {
    ":stateMachine:": "states:StartExecution",
    ":api-destination/": "events:InvokeApiDestination",
}


def _require_grant(target: dict[str, Any]) -> None:
    arn, role_name = target.get("Arn", ""), target.get("RoleArn", "").rsplit("/", 1)[-1]
    policies = iam_evaluator._gather_role_policies(role_name, get_account_id()) if role_name else []
    action = next((action for part, action in _ACTIONS.items() if part in arn), None)
    if action is None or not policies:
        return
    principal = f"arn:aws:sts::{get_account_id()}:assumed-role/{role_name}/rule"
    request = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=arn,
        region=get_region(),
        service_context={},
    )
    if iam_evaluator.evaluate(request, policies).decision != "Allow":
        raise event_dead_letters.DeliveryError(
            "NO_PERMISSIONS", f"{principal} may not perform {action} on {arn}"
        )


def apply() -> None:
    """Ask before each delivery; ``event_dead_letters`` keeps what is refused."""
    event_dead_letters.checks.append(_require_grant)
