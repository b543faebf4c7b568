"""Mends the ``AWS/ApiGateway`` metrics of REST APIs.

API Gateway counts calls, 4xx and 5xx answers (0 for a call that had none, so that the average is
the rate) and the time that they took, by the status that the caller saw, gateway responses
included. Where the stage has MetricsEnabled it counts each call once more under its route (Resource
and Method), of those that have one. The emulator counts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ministack.services import apigateway_v1, cloudwatch

from onemachine.aws.mends.support import is_true


def _of_the_route(
    api_id: str, stage_name: str, dimensions: dict[str, str], method: str, path: str, *_: Any
) -> Iterator[dict[str, str]]:
    """Give the dimensions under which a call is counted besides, where it is."""
    stage = (apigateway_v1._stages_v1.get(api_id) or {}).get(stage_name) or {}
    settings = stage.get("methodSettings") or {}
    if not any(is_true(each.get("metricsEnabled")) for each in settings.values()):
        return
    segments = [each for each in path.strip("/").split("/") if each]
    resource, _found = apigateway_v1._match_resource_tree(api_id, segments)
    if resource and method in resource.get("resourceMethods", {}):
        yield {**dimensions, "Resource": resource["path"], "Method": method}


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
        for counted in (dimensions, *_of_the_route(api_id, stage_name, dimensions, *rest)):
            for metric, (value, unit) in values.items():
                cloudwatch.record_metric("AWS/ApiGateway", metric, value, unit, counted)
        return response

    apigateway_v1._handle_execute_in_scope = handle
