"""Mends HTTP tasks of state machines (``arn:aws:states:::http:invoke``).

Step Functions calls an HTTPS endpoint with the credentials of an EventBridge connection, answers
with ``StatusCode``, ``Headers`` and ``ResponseBody``, and fails with
``States.Http.StatusCode.<code>`` for anything but a 2xx. The emulator fails every such task.
An address of API Gateway (``<api>.execute-api.…``) leads to the emulator's own.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, stepfunctions

_OWN_API = re.compile(r"https://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?(/.*)")
_TIMEOUT_SECONDS = 60.0


def _address(endpoint: str) -> str:
    match = _OWN_API.fullmatch(endpoint)
    if match is None:
        return endpoint
    host, port = os.environ["MINISTACK_HOST"], os.environ["GATEWAY_PORT"]
    return f"http://{host}:{port}/_aws/execute-api/{match[1]}{match[2]}"


def _credentials(arguments: dict[str, Any]) -> dict[str, str]:
    arn = str((arguments.get("Authentication") or {}).get("ConnectionArn", ""))
    connection = eventbridge._connections.get(arn.split(":connection/")[-1].split("/")[0])
    if connection is None:
        raise stepfunctions._ExecutionError("States.Runtime", f"there is no connection {arn}")
    headers: dict[str, str] = eventbridge._connection_auth_headers(
        connection, (get_account_id(), get_region(), connection["Name"])
    )
    return headers


def _parsed(body: bytes, content_type: str) -> Any:
    text = body.decode(errors="replace")
    if "json" in content_type:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _invoke(_resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    endpoint = str(arguments["ApiEndpoint"])
    if not endpoint.startswith("https://"):
        raise stepfunctions._ExecutionError("States.Runtime", f"{endpoint} is not https")
    body = arguments.get("RequestBody")
    request = urllib.request.Request(  # noqa: S310 - https, or this emulator itself
        _address(endpoint),
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "User-Agent": "Amazon|StepFunctions|HttpInvoke|us-east-1",
            **(arguments.get("Headers") or {}),
            **_credentials(arguments),
        },
        method=str(arguments["Method"]),
    )
    # No proxy: nothing but this machine is called from here.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return {
                "StatusCode": response.status,
                "StatusText": response.reason,
                "Headers": {key.lower(): [value] for key, value in response.headers.items()},
                "ResponseBody": _parsed(response.read(), response.headers.get("Content-Type", "")),
            }
    except urllib.error.HTTPError as error:
        cause = error.read().decode(errors="replace")
        raise stepfunctions._ExecutionError(
            f"States.Http.StatusCode.{error.code}", cause
        ) from error
    except OSError as error:
        raise stepfunctions._ExecutionError("States.Http.Socket", str(error)) from error


def apply() -> None:
    """Add the integration."""
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::http:invoke"] = _invoke
