"""Mends what a function behind a REST API is told of the API key that a request came with.

API Gateway writes the key's id into the event (``requestContext.identity.apiKeyId``), by which
alert-ingest knows who speaks. The emulator checks the key and leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway_v1


def apply() -> None:
    """Name the key in the event that the function is handed."""
    stock_event = apigateway_v1._build_lambda_event_v1

    def build_event(
        api_id: str,
        stage_name: str,
        stage: Any,
        resource: Any,
        request_path: str,
        method: str,
        headers: Mapping[str, str],
        *rest: Any,
        **named: Any,
    ) -> dict[str, Any]:
        event: dict[str, Any] = stock_event(
            api_id, stage_name, stage, resource, request_path, method, headers, *rest, **named
        )
        key = apigateway_v1._resolve_api_key(apigateway_v1._api_key_from_request(headers))
        if key and apigateway_v1._usage_plans_for_key(key["id"], api_id, stage_name):
            identity = event["requestContext"]["identity"]
            identity |= {"apiKey": key["value"], "apiKeyId": key["id"]}
        return event

    apigateway_v1._build_lambda_event_v1 = build_event
