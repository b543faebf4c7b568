"""Small helpers that several mends share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from onemachine.aws import denials


def require_success(response: tuple[int, Any, bytes | str]) -> dict[str, Any]:
    """Return the JSON body of an emulator's internal answer, or raise what it refused.

    CloudFormation handlers of the emulator report a failed resource by raising.

    Raises
    ------
    ValueError
        If the status is 400 or above; the message is the service's own.
    """
    status, _headers, body = response
    text = body.decode() if isinstance(body, bytes) else body
    if status >= 400:
        raise ValueError(text)
    parsed: dict[str, Any] = json.loads(text or "{}")
    return parsed


def is_true(value: Any) -> bool:
    """Read a CloudFormation boolean, which arrives as a bool or as the text ``"true"``."""
    return str(value).lower() == "true"


def refused_by_role(
    role_name: str, session: str, action: str, resource_arn: str, context: Mapping[str, Any]
) -> str | None:
    """Ask a role's policies whether one call may be made, as a service that assumed it.

    Returns
    -------
    str or None
        The ARN that is refused; None if the call may be made, or if the role has no policy at all:
        the emulator lets such a role do everything.
    """
    policies = iam_evaluator._gather_role_policies(role_name, get_account_id()) if role_name else []
    if not policies:
        return None
    principal = f"arn:aws:sts::{get_account_id()}:assumed-role/{role_name}/{session}"
    request = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
        service_context=dict(context),
    )
    answer = iam_evaluator.evaluate(request, policies)
    policy = iam_evaluator._resource_policy(action.partition(":")[0], resource_arn)
    if policy is not None:
        answer = iam_evaluator.combine_resource_policy(answer, request, *policy)
    if answer.decision == "Allow":
        return None
    denials.note(request)
    return principal
