"""Mends what a rule may start: the target's role is asked.

EventBridge starts an execution, invokes an API destination, or publishes to a topic as the role
that the target names; without the grant the event goes to the target's dead-letter queue. The
emulator does it as nobody. A role without any policy is left alone, as in ``task_role_grants``.
"""

from __future__ import annotations

from typing import Any

from onemachine.aws.mends import event_dead_letters
from onemachine.aws.mends.support import refused_by_role

_ACTIONS = {
    ":stateMachine:": "states:StartExecution",
    ":api-destination/": "events:InvokeApiDestination",
    "arn:aws:sns:": "sns:Publish",
}


def _require_grant(target: dict[str, Any]) -> None:
    arn, role_name = target.get("Arn", ""), target.get("RoleArn", "").rsplit("/", 1)[-1]
    action = next((action for part, action in _ACTIONS.items() if part in arn), None)
    if action is None:
        return
    refused = refused_by_role(role_name, "rule", action, arn, {})
    if refused:
        raise event_dead_letters.DeliveryError(
            "NO_PERMISSIONS", f"{refused} may not perform {action} on {arn}"
        )


def apply() -> None:
    """Ask before each delivery; ``event_dead_letters`` keeps what is refused."""
    event_dead_letters.checks.append(_require_grant)
