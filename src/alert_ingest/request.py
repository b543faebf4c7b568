"""Reading an API Gateway REST proxy event (payload version 1.0), and writing its answer."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from alert_ingest.errors import BodyRejected, BodyTooLarge
from alert_ingest.model import Problem

#: Where an investigator's answers are posted; alerts are at /webhook.
FINDINGS = "/findings"
#: The whole body with which `srectl doctor` asks whether anybody is here. It is answered 2xx, as a
#: refusal of it would count as a sender's; no sender has a body of this one key and nothing else.
PROBE = {"srectl_doctor": "probe"}
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,128}")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")


def correlation_id(event: Mapping[str, Any]) -> str:
    """Return API Gateway's request id, or a new id where the event has none."""
    context = event.get("requestContext")
    request_id = context.get("requestId") if isinstance(context, dict) else None
    if isinstance(request_id, str) and _CORRELATION_ID.fullmatch(request_id):
        return request_id
    return str(uuid.uuid4())


def key_id(event: Mapping[str, Any]) -> str:
    """Return the id of the API key that the gateway let in; empty where there was none."""
    context = event.get("requestContext")
    identity = context.get("identity") if isinstance(context, dict) else None
    found = identity.get("apiKeyId") if isinstance(identity, dict) else None
    return found if isinstance(found, str) and _KEY_ID.fullmatch(found) else ""


def path(event: Mapping[str, Any]) -> str:
    """Return the route that the gateway took; empty where the request came through none."""
    found = event.get("resource")
    return found if isinstance(found, str) else ""


def body_text(event: Mapping[str, Any], max_bytes: int) -> str:
    """Return the request's body as text.

    Parameters
    ----------
    event
        API Gateway proxy event; a base64 body is decoded.
    max_bytes
        Largest accepted body in bytes, after decoding.

    Raises
    ------
    BodyTooLarge
        The body has more bytes.
    BodyRejected
        There is no body, or it is not base64 or not UTF-8 though it should be.
    """
    body = event.get("body")
    if not isinstance(body, str) or not body:
        raise BodyRejected("The request has no body.", [Problem("", "is empty")])
    if event.get("isBase64Encoded") is not True:
        size = len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))
        if size > max_bytes:
            raise BodyTooLarge(size, max_bytes)
        return body
    if len(body) // 4 * 3 - 2 > max_bytes:  # before spending time on decoding it
        raise BodyTooLarge(len(body) // 4 * 3, max_bytes)
    try:
        raw = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise BodyRejected("The body is not base64.", [Problem("", "is not base64")]) from None
    if len(raw) > max_bytes:
        raise BodyTooLarge(len(raw), max_bytes)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem("", f"is not UTF-8 at byte {error.start}")
        raise BodyRejected("The body is not UTF-8.", [problem]) from None


def answer(
    status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a proxy response with a JSON body."""
    own = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return {
        "statusCode": status,
        "headers": {**own, **(headers or {})},
        "isBase64Encoded": False,
        "body": json.dumps(body),
    }
