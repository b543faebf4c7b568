"""Mends CloudFormation's ``AWS::Events::Archive``.

AWS creates the archive with the stack. The emulator has archives and replays in its API but no
CloudFormation handler for them, and refuses the whole template.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from onemachine.aws.mends.support import require_success

_MAX_NAME_LENGTH = 48


def _arguments(properties: dict[str, Any], name: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "ArchiveName": name,
        "Description": properties.get("Description", ""),
        "RetentionDays": int(properties.get("RetentionDays") or 0),
    }
    if properties.get("KmsKeyIdentifier"):
        arguments["KmsKeyIdentifier"] = properties["KmsKeyIdentifier"]
    pattern = properties.get("EventPattern")
    if pattern:
        arguments["EventPattern"] = pattern if isinstance(pattern, str) else json.dumps(pattern)
    return arguments


def _create(
    logical_id: str, properties: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = properties.get("ArchiveName") or f"{stack_name}-{logical_id}"[:_MAX_NAME_LENGTH]
    answer = require_success(
        eventbridge._create_archive(
            {**_arguments(properties, name), "EventSourceArn": properties["SourceArn"]}
        )
    )
    return name, {"Arn": answer["ArchiveArn"], "ArchiveName": name}


def _update(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str
) -> tuple[str, dict[str, Any]]:
    answer = require_success(eventbridge._update_archive(_arguments(new, physical_id)))
    return physical_id, {"Arn": answer["ArchiveArn"], "ArchiveName": physical_id}


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    eventbridge._archives.pop(physical_id, None)


def apply() -> None:
    """Register the resource type."""
    provisioners._RESOURCE_HANDLERS["AWS::Events::Archive"] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }
