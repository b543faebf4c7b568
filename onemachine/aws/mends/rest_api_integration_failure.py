"""Mends what a caller sees when the function behind a REST API fails.

API Gateway answers 502 with its own "Internal server error" and keeps the function's error to the
log. The emulator sends the function's error message to the caller.
"""

from __future__ import annotations

from typing import Any

from ministack.services import apigateway_v1


def apply() -> None:
    """Hide the message."""
    stock = apigateway_v1._lambda_proxy_response

    def lambda_proxy_response(result: Any) -> tuple[Any, str | None]:
        response, error = stock(result)
        return response, "Internal server error" if error else None

    apigateway_v1._lambda_proxy_response = lambda_proxy_response
