"""What comes in and what it runs: API Gateway, Lambda, logs of both.

API Gateway does not charge for calls that it refuses by their key, or throttles. Lambda charges the
time of a start, too; milliseconds are rounded up.
"""

from __future__ import annotations

import math
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import apigateway_v1, cloudwatch_logs

from onemachine.aws.meter import Meter

#: What CloudWatch Logs adds to each line.
LINE_BYTES = 26

_FREE = frozenset({"INVALID_API_KEY", "THROTTLED", "QUOTA_EXCEEDED", "ACCESS_DENIED"})


def log_bytes(message: str) -> int:
    """Give how many bytes a line of a log is charged as."""
    return len(message.encode()) + LINE_BYTES


def apply(meter: Meter) -> None:
    """Count calls of stages, invocations and lines."""
    stock_handle = apigateway_v1._handle_execute_in_scope
    stock_error = apigateway_v1._gateway_error_response
    stock_invoke = lambda_runtime.Worker.invoke
    stock_fanout = cloudwatch_logs._fanout_to_subscription_filters

    async def handle(*arguments: Any, **named: Any) -> Any:
        response = await stock_handle(*arguments, **named)
        meter.add("api_requests")
        meter.add("traces")
        return response

    def gateway_error(error: Any, request: dict[str, Any]) -> Any:
        if error.response_type in _FREE:
            meter.add("api_requests", -1)  # the call passes here before it is counted
            meter.add("traces", -1)
        return stock_error(error, request)

    def invoke(worker: Any, *arguments: Any, **named: Any) -> Any:
        started = time.monotonic()
        try:
            return stock_invoke(worker, *arguments, **named)
        finally:
            milliseconds = math.ceil((time.monotonic() - started) * 1000)
            gigabytes = int(worker.config.get("MemorySize", 128)) / 1024
            name = str(worker.func_name)
            meter.add("lambda_requests", of=name)
            meter.add("trail_events", of=name)
            meter.add("lambda_gb_seconds", gigabytes * milliseconds / 1000, of=name)

    def fanout(group: str, stream: str, events: list[dict[str, Any]]) -> Any:
        meter.add("log_bytes", sum(log_bytes(each["message"]) for each in events), of=group)
        return stock_fanout(group, stream, events)

    apigateway_v1._handle_execute_in_scope = handle
    apigateway_v1._gateway_error_response = gateway_error
    lambda_runtime.Worker.invoke = invoke
    cloudwatch_logs._fanout_to_subscription_filters = fanout
