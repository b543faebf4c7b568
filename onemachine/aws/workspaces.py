"""Stands for the workspaces of Amazon Managed Prometheus: ``aps-workspaces.REGION.amazonaws.com``.

The emulator knows no such service. Here a signed question to a workspace is held to IAM as AWS does
(``aps:QueryMetrics``, ``aps:ListRules`` on the ARN of that workspace) and handed to the Prometheus
that the file of outbound addresses names for that address. The guard in front has looked at the
signature. Only what is asked by GET is answered; every workspace is that one Prometheus.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
import uuid
from typing import Any
from urllib.parse import parse_qs

from ministack import app as emulator

from onemachine.aws.admin import Application, Message, Receive, Send
from onemachine.aws.mends.outbound_addresses import local_address
from onemachine.aws.variables import workspaces_address

_PATH = re.compile(r"/workspaces/(ws-[A-Za-z0-9-]{1,60})(/api/v1/[a-z_]+)")
_ACTIONS = {
    "/api/v1/query": "aps:QueryMetrics",
    "/api/v1/query_range": "aps:QueryMetrics",
    "/api/v1/rules": "aps:ListRules",
}
_SECONDS = 10
# No proxy: the address is this machine's own.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Workspaces:
    """An ASGI application that answers for workspaces and hands on everything else.

    Parameters
    ----------
    inner : Application
        What answers all else.
    account_id, region : str
        Where the workspaces are.
    """

    def __init__(self, inner: Application, *, account_id: str, region: str) -> None:
        self._inner = inner
        self._account = account_id
        self._region = region

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "GET" or found[2] not in _ACTIONS:
            await self._inner(scope, receive, send)
            return
        text = scope.get("query_string", b"").decode()
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        arn = f"arn:aws:aps:{self._region}:{self._account}:workspace/{found[1]}"
        action = _ACTIONS[found[2]]
        denied = emulator._enforce_data_plane(
            "aps", action, headers, parse_qs(text), str(uuid.uuid4()), resource_arn=arn
        )
        if denied:
            status, _, body = denied
        else:
            status, body = await asyncio.to_thread(self._asked, f"{found[2]}?{text}")
        await _respond(send, int(status), body if isinstance(body, bytes) else body.encode())

    def _asked(self, path: str) -> tuple[int, bytes]:
        try:
            upstream = local_address(workspaces_address(self._region)).rstrip("/")
            with _OPENER.open(f"{upstream}{path}", timeout=_SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError as error:  # an address that stands for nothing is one of them, too
            return 503, json.dumps({"message": f"no Prometheus behind it: {error}"}).encode()


async def _respond(send: Send, status: int, body: bytes) -> None:
    start: dict[str, Any] = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
