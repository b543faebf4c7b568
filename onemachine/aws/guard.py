"""Whom the local AWS answers: users of its own stack, and no page that a browser has open.

Stands in front of the emulator, which takes well-known keys for the account's root user without
looking at their signature, and answers every page's preflight. Here

* a request for another host (a name that was rebound to loopback), or one that a browser sends for
  a page (``Origin``, ``Sec-Fetch-Site``), is refused, whatever it carries;
* the emulator's own routes (its health, its reset, its configuration ...) need the secret of the
  stack in ``X-Srectl-Secret``;
* everything else must be signed by a key of this stack (:mod:`onemachine.aws.signature`), but for
  what AWS itself serves unsigned: see :func:`_serves_path_unsigned`, :func:`_serves_unsigned`.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote

from ministack import app as emulator
from ministack.core.iam_evaluator import AuthError
from ministack.core.router import detect_service

from onemachine.aws.admin import PREFIX, SECRET_HEADER, Application, Message, Receive, Send
from onemachine.aws.signature import claims_a_key, failure_of

log = logging.getLogger("srectl.guard")

Headers = dict[str, str]
Query = dict[str, list[str]]

_MOST_UNSIGNED_BYTES = 1 << 20
_FORM = "application/x-www-form-urlencoded"
#: The emulator's routes that AWS does not have.
_OWN_ROUTES = ("/_ministack", "/_localstack", "/_aws/", PREFIX)
#: Served unsigned, each with a secret of its own: an API's key, or a token in the path.
_API = re.compile(r"/_aws/execute-api/[a-z0-9]+/[A-Za-z0-9_$-]+(/.*)?")
_TOKEN_REVIEW = re.compile(r"/_ministack/eks-auth/\d{12}/[^/]+/[^/]+/[A-Za-z0-9_-]{16,}")
_STACK_SIGNAL = re.compile(r"/_ministack/cfn-(response|signal)/[A-Za-z0-9-]{16,}")
#: The links in messages that ask for a confirmation, or offer to end a subscription, with all that
#: SNS puts into them.
_LINKS = {
    "ConfirmSubscription": frozenset({"Action", "TopicArn", "Token"}),
    "Unsubscribe": frozenset({"Action", "SubscriptionArn"}),
}
#: A header that could steer an unsigned request to another service.
_TARGET = "x-amz-target"


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    raw_path: str
    query: Query
    headers: Headers
    body: bytes


class Guard:
    """An ASGI application that hands on what is allowed and refuses everything else.

    Parameters
    ----------
    inner : Application
        The emulator, with the admin routes before it.
    secret : str
        The stack's secret.
    hosts : sequence of str
        Values of ``Host`` that mean this server, in lower case.
    """

    def __init__(self, inner: Application, *, secret: str, hosts: Sequence[str]) -> None:
        self._inner = inner
        self._secret = secret.encode()
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:  # nothing of a stack speaks WebSocket
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        headers, doubled = _headers(scope)
        if problem := doubled or self._foreign(headers):
            _tell(scope, problem)
            await _refuse(send, problem)
            return
        path: str = scope["path"]
        if path.startswith(PREFIX) or self._has_secret(headers):
            await self._inner(
                scope, receive, send
            )  # the admin routes look at the secret themselves
            return
        query = parse_qs(
            scope.get("query_string", b"").decode(errors="replace"), keep_blank_values=True
        )
        raw_path = (scope.get("raw_path") or quote(path).encode()).decode("latin-1")
        signed = claims_a_key(headers, query)
        if not signed and _serves_path_unsigned(scope["method"], path, headers):
            await self._inner(scope, receive, send)
            return
        body = await _read(receive, None if signed else _MOST_UNSIGNED_BYTES)
        if body is None:
            return  # the client is gone
        request = _Request(scope["method"], path, raw_path, query, headers, body)
        failure = self._failure(request, signed)
        if failure is not None:
            _tell(scope, f"{failure.code}: {failure.message}")
            await _refuse_signature(send, request, failure)
            return
        await self._inner(scope, _replay(body, receive), send)

    def _failure(self, request: _Request, signed: bool) -> AuthError | None:
        own_route = request.path == "/health" or request.path.startswith(_OWN_ROUTES)
        # A signature does not open an own route; one that is served unsigned stands that, too.
        if own_route and not _serves_path_unsigned(request.method, request.path, request.headers):
            return AuthError("AccessDeniedException", f"{request.path} needs {SECRET_HEADER}")
        if signed:
            return failure_of(
                request.method, request.raw_path, request.query, request.headers, request.body
            )
        if _serves_unsigned(request):
            return None
        return AuthError("MissingAuthenticationToken", "Missing Authentication Token")

    def _foreign(self, headers: Headers) -> str:
        """Say why a request comes from elsewhere; empty where it does not."""
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            return f"the host {host!r} is not this server"
        if "origin" in headers:
            return f"a page of {headers['origin']!r} is not answered"
        site = headers.get("sec-fetch-site", "none")
        return "" if site == "none" else f"a page's request ({site!r}) is not answered"

    def _has_secret(self, headers: Headers) -> bool:
        given = headers.get(SECRET_HEADER.lower(), "")
        return hmac.compare_digest(given.encode(), self._secret)


def _serves_path_unsigned(method: str, path: str, headers: Headers) -> bool:
    """Tell whether AWS, too, takes what nobody signed on this path.

    An API of API Gateway (it has keys of its own), a cluster's token review, and a resource's
    signal to its stack (their paths are secrets).
    """
    # What could make another route or service of it than its path says is no such request.
    if _TARGET in headers or not {".", ".."}.isdisjoint(path.split("/")):
        return False
    if _API.fullmatch(path):
        return True
    if method == "POST":
        return _TOKEN_REVIEW.fullmatch(path) is not None
    return method == "PUT" and _STACK_SIGNAL.fullmatch(path) is not None


def _serves_unsigned(request: _Request) -> bool:
    """Tell whether AWS, too, takes a request that nobody signed, by more than its path.

    A subscription's links, and the exchange of a pod's token for credentials.
    """
    if request.path != "/" or _TARGET in request.headers or "authorization" in request.headers:
        return False
    if request.method == "GET":
        return not request.body and _is_link(request.query)
    form = request.headers.get("content-type", "").split(";")[0].strip() == _FORM
    if request.method != "POST" or not form or request.query:
        return False
    fields = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    return fields.get("Action") == ["AssumeRoleWithWebIdentity"]


def _is_link(query: Query) -> bool:
    if any(len(values) != 1 for values in query.values()):
        return False
    wanted = _LINKS.get(query.get("Action", [""])[0])
    return wanted is not None and query.keys() == wanted


def _headers(scope: Message) -> tuple[Headers, str]:
    """Read the headers as SigV4 does, and name one that must not come twice."""
    found: Headers = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "replace")
        if name in found and name in ("host", "authorization", _TARGET):
            return found, f"the header {name} comes twice"
        found[name] = f"{found[name]},{value}" if name in found else value
    return found, ""


async def _read(receive: Receive, most: int | None) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part: bytes = message.get("body", b"")
        size += len(part)
        if most is None or size <= most:  # what is longer is refused; it need not be kept
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body to the emulator as if it came now."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()  # tells when the client goes away
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _tell(scope: Message, problem: str) -> None:
    log.warning("refused %s %r: %s", scope["method"], scope["path"], problem)


async def _refuse(send: Send, problem: str) -> None:
    body = json.dumps({"message": f"The local AWS answers its own stack's users only: {problem}"})
    await _respond(send, HTTPStatus.FORBIDDEN, {"content-type": "application/json"}, body.encode())


async def _refuse_signature(send: Send, request: _Request, failure: AuthError) -> None:
    """Refuse as the service would, so that an SDK names the error."""
    service = detect_service(request.method, request.path, request.headers, request.query)
    status, headers, body = emulator._credential_failure(
        service, "", str(uuid.uuid4()), failure, request.headers
    )
    await _respond(send, status, headers, body)


async def _respond(send: Send, status: int, headers: dict[str, Any], body: bytes) -> None:
    encoded = [(name.lower().encode(), str(value).encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": encoded})
    await send({"type": "http.response.body", "body": body})
