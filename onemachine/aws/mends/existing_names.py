"""Mends names that are taken: what has been kept, or was made by hand, is in the way of a stack.

CloudFormation fails a resource whose custom name something else has ("already exists"), so a stack
cannot be made beside what an earlier one left behind (``DeletionPolicy: Retain``). The emulator
makes it anew under the same name, and whatever was in the table or the log group is gone.
"""

from __future__ import annotations

from typing import Any

from ministack.services import sns, sqs
from ministack.services.cloudformation import changesets, stacks


def _taken(kind: str, properties: dict[str, Any]) -> str:
    """Give the name that a resource would have and something else has; '' if none."""
    if kind == "AWS::SQS::Queue":
        name = str(properties.get("QueueName") or "")
        return name if name and sqs._queue_by_arn(_arn("sqs", name)) is not None else ""
    if kind == "AWS::SNS::Topic":
        name = str(properties.get("TopicName") or "")
        return name if name and sns._topic_by_arn_any_scope(_arn("sns", name)) else ""
    (key, *more), _problem = changesets._IMPORT_LOOKUPS.get(kind, ((None,), None))
    name = str(properties.get(key) or "") if key and not more else ""
    if not name:
        return ""
    entry = {"ResourceType": kind, "ResourceIdentifier": {key: name}}
    return name if changesets._import_not_found([entry]) is None else ""


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{stacks.get_region()}:{changesets.get_account_id()}:{name}"


def apply() -> None:
    """Look before a stack makes a resource."""
    stock = stacks._provision_resource

    def provision(
        kind: str, logical_id: str, properties: dict[str, Any], *more: Any
    ) -> tuple[str, dict[str, Any]]:
        name = _taken(kind, properties)
        if name:
            raise ValueError(
                f"Resource of type '{kind}' with identifier '{name}' already exists. "
                "(HandlerErrorCode: AlreadyExists)"
            )
        made: tuple[str, dict[str, Any]] = stock(kind, logical_id, properties, *more)
        return made

    stacks._provision_resource = provision
