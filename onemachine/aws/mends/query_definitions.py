"""Mends CloudFormation's ``AWS::Logs::QueryDefinition``.

AWS saves the query for Logs Insights. The emulator has neither the resource type, so that it
refuses the whole template, nor saved queries: here they are kept, and nothing reads them.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import AccountRegionScopedDict, new_uuid
from ministack.services.cloudformation import provisioners

_saved: Any = AccountRegionScopedDict()


def _require(properties: dict[str, Any]) -> None:
    missing = [name for name in ("Name", "QueryString") if not properties.get(name)]
    if missing:
        raise ValueError(f"AWS::Logs::QueryDefinition lacks {', '.join(missing)}")


def _create(
    _logical_id: str, properties: dict[str, Any], _stack_name: str
) -> tuple[str, dict[str, Any]]:
    _require(properties)
    identifier = new_uuid()
    _saved[identifier] = properties
    return identifier, {"QueryDefinitionId": identifier}


def _update(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str
) -> tuple[str, dict[str, Any]]:
    _require(new)
    _saved[physical_id] = new
    return physical_id, {"QueryDefinitionId": physical_id}


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    _saved.pop(physical_id, None)


def apply() -> None:
    """Register the resource type."""
    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }
