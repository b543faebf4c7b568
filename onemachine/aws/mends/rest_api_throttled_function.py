"""Mends what a caller sees when the function behind a REST API is at its concurrency limit.

To API Gateway a function that Lambda throttles is an integration that failed, so the answer is the
API's gateway response for that, ``INTEGRATION_FAILURE`` or ``DEFAULT_5XX``; a 429 is only ever its
own throttling. The emulator hands Lambda's 429 to the caller, and Alertmanager drops the alert: it
sends again after a 5xx, never after a 4xx.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway_v1

_throttled: ContextVar[bool] = ContextVar("throttled", default=False)


def apply() -> None:
    """Notice the throttle where the function is called, and answer it as a failure."""
    stock_call = apigateway_v1._call_lambda_raw
    stock_proxy = apigateway_v1._invoke_lambda_proxy_v1

    async def call_lambda(*arguments: Any, **named: Any) -> Any:
        result, error = await stock_call(*arguments, **named)
        _throttled.set(bool(result and result.get("throttle")))
        return result, error

    async def invoke_proxy(*arguments: Any, **named: Any) -> Any:
        token = _throttled.set(False)
        try:
            response = await stock_proxy(*arguments, **named)
            if _throttled.get():
                return apigateway_v1._gw_error("INTEGRATION_FAILURE", "Internal server error")
            return response
        finally:
            _throttled.reset(token)

    apigateway_v1._call_lambda_raw = call_lambda
    apigateway_v1._invoke_lambda_proxy_v1 = invoke_proxy
