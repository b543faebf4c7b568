"""Mends ``$context.error.validationErrorString`` in gateway responses.

API Gateway puts the model's complaint there. The emulator leaves the variable's name in the answer.
The texts follow those of API Gateway for the keywords that alert models use; for others they say
what ``jsonschema`` says.
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from ministack.services import apigateway_v1

_VARIABLE = b"$context.error.validationErrorString"
_PRIMITIVES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def describe(error: jsonschema.ValidationError) -> str:
    """Return one complaint in API Gateway's words."""
    keyword = error.validator
    wanted: Any = error.validator_value
    found: Any = error.instance
    if keyword == "required":
        missing = [name for name in wanted if name not in found]
        return f"object has missing required properties ({json.dumps(missing)})"
    if keyword == "type":
        allowed = [wanted] if isinstance(wanted, str) else list(wanted)
        return (
            f"instance type ({_PRIMITIVES[type(found)]}) does not match any allowed primitive "
            f"type (allowed: {json.dumps(allowed)})"
        )
    if keyword == "enum":
        return (
            f"instance value ({json.dumps(found)}) not found in enum "
            f"(possible values: {json.dumps(wanted)})"
        )
    if keyword == "minProperties":
        return (
            f"object has too few properties (found {len(found)} but schema requires "
            f"at least {wanted})"
        )
    if keyword == "minItems":
        return (
            f"array is too short: must have at least {wanted} elements "
            f"but instance has {len(found)} elements"
        )
    return str(error.message)


def complaints(schema: dict[str, Any], body: bytes | str) -> str:
    """Return what API Gateway's model validation says of a body, e.g. ``[…]``."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # bottomless nesting
        return "[Invalid JSON]"
    found = []
    seen_required = set()
    for error in jsonschema.Draft4Validator(schema).iter_errors(document):
        if error.validator == "required":
            # jsonschema reports each missing property apart, API Gateway all of an object at once.
            if tuple(error.absolute_path) in seen_required:
                continue
            seen_required.add(tuple(error.absolute_path))
        found.append(describe(error))
    return f"[{', '.join(found)}]"


def apply() -> None:
    """Keep the complaint with the error and write it where the template wants it."""
    stock_check = apigateway_v1._check_request_validation
    stock_response = apigateway_v1._gateway_error_response

    def check(
        method: Any, api_id: str, request: Any, headers: Any, body: Any, query_params: Any
    ) -> Any:
        error = stock_check(method, api_id, request, headers, body, query_params)
        if error is not None and error.response_type == "BAD_REQUEST_BODY":
            models = method.get("requestModels") or {}
            schema = apigateway_v1._model_schema(api_id, models.get("application/json"))
            error.validation_error = complaints(schema or {}, body)
        return error

    def response(error: Any, request: Any) -> Any:
        status, headers, body = stock_response(error, request)
        reason = getattr(error, "validation_error", "")
        return status, headers, body.replace(_VARIABLE, json.dumps(reason)[1:-1].encode())

    apigateway_v1._check_request_validation = check
    apigateway_v1._gateway_error_response = response
