"""Mends the resource policy of a REST API that stands in its OpenAPI body.

SAM writes an API's resource policy into the body as ``x-amazon-apigateway-policy``, and API Gateway
asks it for every call. The emulator asks only a policy that was set in another way, so that the
policy of a template lets everybody in.
"""

from __future__ import annotations

from typing import Any

from ministack.services import apigateway_v1


def apply() -> None:
    """Take the policy over when a body is imported and when it is changed."""
    stock_import = apigateway_v1._import_rest_api

    def import_rest_api(spec: dict[str, Any], base_data: dict[str, Any] | None = None) -> Any:
        policy = spec.get("x-amazon-apigateway-policy")
        return stock_import(spec, {**(base_data or {}), **({"policy": policy} if policy else {})})

    apigateway_v1._import_rest_api = import_rest_api
