"""Mends the update of a REST API whose OpenAPI body changed.

CloudFormation puts the new body into the same API: its id, stages and usage plans stay. The
emulator makes a new API and deletes the old one, so that after a second ``sam deploy`` senders post
to an address that is gone.
"""

from __future__ import annotations

from typing import Any

from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners


def apply() -> None:
    """Import the new body apart and move its parts into the existing API."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    stock_update = handler["update"]

    def update(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack: str,
        logical_id: str | None = None,
    ) -> Any:
        body = new.get("Body")
        if body == old.get("Body") or not isinstance(body, dict):
            return stock_update(physical_id, old, new, stack, logical_id)
        parts = (
            apigateway_v1._resources,
            apigateway_v1._models,
            apigateway_v1._request_validators,
            apigateway_v1._authorizers_v1,
            apigateway_v1._gateway_responses,
        )
        name = new.get("Name") or apigateway_v1._rest_apis[physical_id]["name"]
        imported = apigateway_v1._import_rest_api(body, {"name": name})
        for part in parts:
            part[physical_id] = part.pop(imported, {})
        apis = apigateway_v1._rest_apis
        apis[physical_id]["policy"] = apis[imported].get("policy")
        apigateway_v1._delete_rest_api(imported)
        # The other properties as ever: with equal bodies the stock update leaves the parts alone.
        return stock_update(physical_id, {**old, "Body": body}, new, stack, logical_id)

    provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"] = {**handler, "update": update}
