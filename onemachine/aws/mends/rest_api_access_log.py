"""Mends access logs of REST APIs.

API Gateway writes one line for each call of a stage into the log group that the stage names, in
the stage's own format. The emulator drops the setting of CloudFormation and writes nothing.
Variables of ``$context`` that are not known here come out as ``-``, as they do on AWS where they
have no value.
"""

from __future__ import annotations

import json
import logging
import re
import time
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import apigateway_v1, cloudwatch_logs
from ministack.services.cloudformation import provisioners

from onemachine.aws.mends.event_log_target import log_group_name
from onemachine.aws.mends.support import require_success

log = logging.getLogger(__name__)

_VARIABLE = re.compile(r"\$context((?:\.\w+)+)")
_STAGE = "AWS::ApiGateway::Stage"


def _header(headers: dict[str, Any], name: str) -> str:
    value = next((v for k, v in headers.items() if k.lower() == name), "")
    return str(value[-1] if isinstance(value, list) and value else value or "-")


def _line(template: str, values: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return json.dumps(values.get(match[1].lstrip("."), "-"))[1:-1]

    return _VARIABLE.sub(value, template)


def _route(api_id: str, path: str) -> str:
    segments = [each for each in path.strip("/").split("/") if each]
    resource, _found = apigateway_v1._match_resource_tree(api_id, segments)
    return str(resource["path"]) if resource else "-"


def _write(arn: str, line: str) -> None:
    group = log_group_name(arn)
    if group not in cloudwatch_logs._log_groups:
        log.warning("access log %s does not exist", arn)
        return
    where = {"logGroupName": group, "logStreamName": new_uuid()}
    require_success(cloudwatch_logs._create_log_stream(where))
    event = {"timestamp": int(time.time() * 1000), "message": line}
    require_success(cloudwatch_logs._put_log_events({**where, "logEvents": [event]}))


def _keep_setting(properties: dict[str, Any]) -> None:
    setting = properties.get("AccessLogSetting") or {}
    stages = apigateway_v1._stages_v1.get(properties.get("RestApiId", "")) or {}
    stage = stages.get(properties.get("StageName", ""))
    if stage is not None:
        stage["accessLogSettings"] = {
            "destinationArn": setting.get("DestinationArn", ""),
            "format": setting.get("Format", ""),
        }


def apply() -> None:
    """Keep the stage's setting, note refusals, and write a line after each call."""
    handlers = provisioners._RESOURCE_HANDLERS[_STAGE]
    stock_create, stock_update = handlers["create"], handlers["update"]
    stock_handle = apigateway_v1._handle_execute_in_scope
    stock_error = apigateway_v1._gateway_error_response

    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        made = stock_create(logical_id, properties, stack_name)
        _keep_setting(properties)
        return made

    def update(*arguments: Any, **named: Any) -> Any:
        made = stock_update(*arguments, **named)
        _keep_setting(arguments[2])
        return made

    def gateway_error(error: Any, request: dict[str, Any]) -> Any:
        status, headers, body = stock_error(error, request)
        return status, {**headers, "x-srectl-refusal": error.response_type}, body

    async def handle(
        api_id: str, stage_name: str, method: str, path: str, headers: Any, *rest: Any, **named: Any
    ) -> Any:
        started = time.monotonic()
        status, answer, body = await stock_handle(
            api_id, stage_name, method, path, headers, *rest, **named
        )
        answer = dict(answer)
        refusal = answer.pop("x-srectl-refusal", "-")
        stage = (apigateway_v1._stages_v1.get(api_id) or {}).get(stage_name) or {}
        setting = stage.get("accessLogSettings") or {}
        if setting.get("destinationArn"):
            values = {
                "requestId": _header(answer, "x-amzn-requestid"),
                "requestTime": datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "identity.sourceIp": "127.0.0.1",
                "identity.userAgent": _header(headers or {}, "user-agent"),
                "httpMethod": method,
                "path": f"/{stage_name}{path}",
                "resourcePath": _route(api_id, path),
                "status": str(status),
                "error.responseType": refusal,
                "responseLatency": str(int((time.monotonic() - started) * 1000)),
            }
            _write(setting["destinationArn"], _line(setting["format"], values))
        return status, answer, body

    handlers["create"], handlers["update"] = create, update
    apigateway_v1._gateway_error_response = gateway_error
    apigateway_v1._handle_execute_in_scope = handle
