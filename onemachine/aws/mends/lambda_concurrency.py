"""Mends ``ReservedConcurrentExecutions`` of ``AWS::Lambda::Function``.

Lambda throttles a function beyond its reserved concurrency, whichever way it was set. The emulator
enforces what PutFunctionConcurrency set, and drops what the template says.
"""

from __future__ import annotations

from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners


def _reserve(name: str, properties: dict[str, Any]) -> None:
    wanted = properties.get("ReservedConcurrentExecutions")
    lambda_svc._functions[name]["concurrency"] = None if wanted is None else int(wanted)


def apply() -> None:
    """Take the property over on create and update."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    stock_create, stock_update = handler["create"], handler["update"]

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        made = stock_create(logical_id, properties, stack)
        _reserve(made[0], properties)
        return made

    def update(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack: str,
        logical_id: str | None = None,
    ) -> Any:
        made = stock_update(physical_id, old, new, stack, logical_id)
        _reserve(made[0], new)
        return made

    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"] = {
        **handler,
        "create": create,
        "update": update,
    }
