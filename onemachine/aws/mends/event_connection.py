"""Mends CloudFormation's ``AWS::Events::Connection``.

AWS creates the connection with the stack and keeps its credentials in a secret of its own, whose
ARN is an attribute. The emulator has connections in its API but no CloudFormation handler for them.
The secret here is a name only: whoever uses the connection is asked for the grant to read it, and
the credentials come from the connection itself.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from onemachine.aws.mends.support import require_success


def secret_arn(connection: dict[str, Any]) -> str:
    """Return the ARN of the secret that a connection's credentials are in."""
    if "SecretArn" not in connection:
        suffix = f"events!connection/{connection['Name']}/{new_uuid()}-AbCdEf"
        connection["SecretArn"] = (
            f"arn:aws:secretsmanager:{get_region()}:{get_account_id()}:secret:{suffix}"
        )
    return str(connection["SecretArn"])


def _arguments(properties: dict[str, Any], name: str) -> dict[str, Any]:
    wanted = ("AuthorizationType", "AuthParameters", "Description")
    return {"Name": name, **{key: properties[key] for key in wanted if key in properties}}


def _attributes(name: str) -> dict[str, Any]:
    connection = eventbridge._connections[name]
    arn = connection["ConnectionArn"]
    return {"Arn": arn, "ArnForPolicy": arn, "SecretArn": secret_arn(connection)}


def _create(
    logical_id: str, properties: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = properties.get("Name") or f"{stack_name}-{logical_id}"[:64]
    require_success(eventbridge._create_connection(_arguments(properties, name)))
    return name, _attributes(name)


def _update(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str
) -> tuple[str, dict[str, Any]]:
    require_success(eventbridge._update_connection(_arguments(new, physical_id)))
    return physical_id, _attributes(physical_id)


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    eventbridge._connections.pop(physical_id, None)


def apply() -> None:
    """Register the resource type."""
    provisioners._RESOURCE_HANDLERS["AWS::Events::Connection"] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }
