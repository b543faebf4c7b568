"""Mends the ``AWS/Lambda`` metrics of calls that do not come through the Invoke API.

Lambda counts every invocation. The emulator counts those of the Invoke API (and throttles), not
those from API Gateway, EventBridge, Step Functions or SNS, so that an alarm on Errors never goes.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import lambda_svc


def apply() -> None:
    """Count where every invocation passes, and not twice."""
    stock_dispatch = lambda_svc._execute_function_dispatch
    stock_emit = lambda_svc._emit_lambda_metrics

    def emit(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:
            stock_emit(function_name, duration_ms, error, throttle)

    def dispatch(function: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        result = stock_dispatch(function, config, event, request_id, started)
        if not result.get("throttle"):
            stock_emit(
                config.get("FunctionName", ""),
                (time.time() - started) * 1000,
                bool(result.get("error")),
                False,
            )
        return result

    lambda_svc._emit_lambda_metrics = emit
    lambda_svc._execute_function_dispatch = dispatch
