"""Mends the ``AWS/ApiGateway`` metrics of REST APIs.

API Gateway counts calls, 4xx and 5xx answers (0 for a call that had none, so that the average is
the rate) and the time that they took, by the status that the caller saw, gateway responses
included. The emulator counts nothing.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import apigateway_v1, cloudwatch


def apply() -> None:
    """Count each call of a deployed stage."""
    stock = apigateway_v1._handle_execute_in_scope

    async def handle(api_id: str, stage_name: str, *rest: Any, **named: Any) -> Any:
        started = time.monotonic()
        response = await stock(api_id, stage_name, *rest, **named)
        api = apigateway_v1._rest_apis.get(api_id) or {}
        dimensions = {"ApiName": str(api.get("name", api_id)), "Stage": stage_name}
        status = int(response[0])
        values = {
            "Count": (1.0, "Count"),
            "4XXError": (float(400 <= status < 500), "Count"),
            "5XXError": (float(status >= 500), "Count"),
            "Latency": ((time.monotonic() - started) * 1000, "Milliseconds"),
        }
        for metric, (value, unit) in values.items():
            cloudwatch.record_metric("AWS/ApiGateway", metric, value, unit, dimensions)
        return response

    apigateway_v1._handle_execute_in_scope = handle
