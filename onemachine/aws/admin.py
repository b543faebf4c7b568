"""Routes under ``/_srectl/`` that the stack's supervisor needs and AWS has no API for.

They stand in front of the emulator in the same process and take only requests that carry the
stack's secret in ``X-Srectl-Secret``: anything else on this machine could reach the port as well.

====== ========================== =================================================
GET    ``/_srectl/ready``         which mends are applied
PUT    ``/_srectl/clusters/NAME`` describe a running control plane as an EKS cluster
====== ========================== =================================================
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

PREFIX = "/_srectl/"
SECRET_HEADER = "X-Srectl-Secret"  # noqa: S105 - the name of a header, not a secret
_CLUSTER_ROUTE = re.compile(r"/_srectl/clusters/([A-Za-z0-9][A-Za-z0-9_-]{0,99})")
_MAX_BODY_BYTES = 1 << 20


def webhook_secret(stack_secret: str, cluster: str) -> str:
    """Return the last part of a cluster's token webhook URL.

    Derived, so that the API server can be configured before the cluster is registered.
    """
    return hmac.new(stack_secret.encode(), f"eks:{cluster}".encode(), hashlib.sha256).hexdigest()


class AdminRoutes:
    """An ASGI application that answers the admin routes and hands on everything else.

    Parameters
    ----------
    inner : Application
        The emulator.
    secret : str
        The stack's secret.
    account_id : str
        Account that the stack's resources live in.
    region : str
        Region that they live in.
    mends : sequence of str
        Names of the mends that are applied.
    """

    def __init__(
        self,
        inner: Application,
        *,
        secret: str,
        account_id: str,
        region: str,
        mends: Sequence[str],
    ) -> None:
        self._inner = inner
        self._secret = secret
        self._account_id = account_id
        self._region = region
        self._mends = list(mends)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._inner(scope, receive, send)
            return
        status, body = await self._answer(scope, receive)
        await send(
            {
                "type": "http.response.start",
                "status": int(status),
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def _answer(self, scope: Message, receive: Receive) -> tuple[HTTPStatus, dict[str, Any]]:
        headers = dict(scope["headers"])
        given = headers.get(SECRET_HEADER.lower().encode(), b"")
        if not hmac.compare_digest(given, self._secret.encode()):
            return HTTPStatus.FORBIDDEN, {"message": f"{SECRET_HEADER} is missing or wrong"}
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", f"{PREFIX}ready"):
            return HTTPStatus.OK, {"mends": self._mends}
        match = _CLUSTER_ROUTE.fullmatch(path)
        if match and method == "PUT":
            return self._register_cluster(match.group(1), await _read_body(receive))
        return HTTPStatus.NOT_FOUND, {"message": f"no admin route {method} {path}"}

    def _register_cluster(self, name: str, body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        # Imported here: the emulator's modules read the environment when they are imported.
        from onemachine.aws.mends.eks_real_cluster import register

        try:
            wanted = json.loads(body)
            cluster = register(
                name,
                endpoint=wanted["endpoint"],
                certificate_authority=wanted["certificate_authority"],
                webhook_secret=webhook_secret(self._secret, name),
                version=wanted["version"],
                role_arn=wanted["role_arn"],
                account_id=self._account_id,
                region=self._region,
            )
        except (ValueError, KeyError, TypeError) as error:
            return HTTPStatus.BAD_REQUEST, {"message": f"cluster {name} not registered: {error!r}"}
        return HTTPStatus.OK, {"cluster": cluster}


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise ValueError(f"admin request body exceeds {_MAX_BODY_BYTES} bytes")
        if not message.get("more_body"):
            return body
