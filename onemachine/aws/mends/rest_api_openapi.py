"""Mends what a REST API takes over from its OpenAPI body.

SAM writes an API's models, request validators and gateway responses into the body of
``AWS::ApiGateway::RestApi``, and API Gateway imports them. The emulator imports paths, integrations
and authorizers only: no request is ever validated and every gateway response is the built-in one.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import apigateway_v1

from onemachine.aws.mends.support import require_success

_PARAMETER_PLACES = {"path": "path", "query": "querystring", "header": "header"}


def _import_validators(api_id: str, spec: dict[str, Any]) -> dict[str, str]:
    ids = {}
    for name, what in (spec.get("x-amazon-apigateway-request-validators") or {}).items():
        made = apigateway_v1._create_request_validator(api_id, {"name": name, **what})
        ids[name] = require_success(made)["id"]
    return ids


def _import_models(api_id: str, spec: dict[str, Any]) -> None:
    schemas = spec.get("definitions") or (spec.get("components") or {}).get("schemas") or {}
    for name, schema in schemas.items():
        model = {"name": name, "contentType": "application/json", "schema": json.dumps(schema)}
        require_success(apigateway_v1._create_model(api_id, model))


def _model_name(schema: dict[str, Any]) -> str | None:
    reference = schema.get("$ref")
    return reference.rsplit("/", 1)[-1] if isinstance(reference, str) else None


def _complete_method(
    method: dict[str, Any],
    operation: dict[str, Any],
    spec: dict[str, Any],
    validators: dict[str, str],
) -> None:
    default = spec.get("x-amazon-apigateway-request-validator")
    wanted = operation.get("x-amazon-apigateway-request-validator", default)
    method["requestValidatorId"] = validators.get(str(wanted))
    for parameter in operation.get("parameters") or []:
        place = parameter.get("in")
        if place == "body":
            model = _model_name(parameter.get("schema") or {})
            if model:
                method["requestModels"]["application/json"] = model
        elif place in _PARAMETER_PLACES:
            key = f"method.request.{_PARAMETER_PLACES[place]}.{parameter['name']}"
            method["requestParameters"][key] = bool(parameter.get("required"))
    content = (operation.get("requestBody") or {}).get("content") or {}
    for content_type, body in content.items():
        model = _model_name(body.get("schema") or {})
        if model:
            method["requestModels"][content_type] = model


def apply() -> None:
    """Complete the import of a body."""
    stock_import = apigateway_v1._import_rest_api

    def import_rest_api(spec: dict[str, Any], base_data: dict[str, Any] | None = None) -> Any:
        api_id = stock_import(spec, base_data)
        validators = _import_validators(api_id, spec)
        _import_models(api_id, spec)
        for resource in apigateway_v1._resources[api_id].values():
            operations = (spec.get("paths") or {}).get(resource["path"]) or {}
            for http_method, method in resource["resourceMethods"].items():
                operation = operations.get(http_method.lower())
                if operation:
                    _complete_method(method, operation, spec, validators)
        responses = spec.get("x-amazon-apigateway-gateway-responses") or {}
        for response_type, response in responses.items():
            wanted = dict(response)
            if "statusCode" in wanted:
                wanted["statusCode"] = str(wanted["statusCode"])
            require_success(apigateway_v1._put_gateway_response(api_id, response_type, wanted))
        return api_id

    apigateway_v1._import_rest_api = import_rest_api
