"""Mends CloudFormation's ``AWS::Events::ApiDestination``.

AWS creates the destination with the stack. The emulator has API destinations in its API but no
CloudFormation handler for them, and refuses the whole template.
"""

from __future__ import annotations

from typing import Any

from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from onemachine.aws.mends.support import require_success

_MAX_NAME_LENGTH = 64
_RATE = "InvocationRateLimitPerSecond"


def _arguments(properties: dict[str, Any], name: str) -> dict[str, Any]:
    given = {**properties, "Name": name}
    if _RATE in given:
        given[_RATE] = int(given[_RATE])
    return given


def _made(answer: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    return name, {"Arn": answer["ApiDestinationArn"]}


def _create(
    logical_id: str, properties: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = properties.get("Name") or f"{stack_name}-{logical_id}"[:_MAX_NAME_LENGTH]
    answer = eventbridge._create_api_destination(_arguments(properties, name))
    return _made(require_success(answer), name)


def _update(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str
) -> tuple[str, dict[str, Any]]:
    answer = eventbridge._update_api_destination(_arguments(new, physical_id))
    return _made(require_success(answer), physical_id)


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    eventbridge._delete_api_destination({"Name": physical_id})


def apply() -> None:
    """Register the resource type."""
    provisioners._RESOURCE_HANDLERS["AWS::Events::ApiDestination"] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }
