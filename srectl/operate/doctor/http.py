"""One request by HTTP, over the proxies and with the certificates that botocore uses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

__all__ = ["Answer", "NoAnswer", "ask"]

# Seconds to connect and to wait for an answer: the function has 30 of its own.
_TIMEOUT = (5, 35)


class NoAnswer(Exception):
    """Nobody answered; the text says why."""


@dataclass(frozen=True)
class Answer:
    """What was answered, whatever the status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Send one request and give its answer; nothing is tried again.

    Raises
    ------
    NoAnswer
        The address was not reached, or did not answer in time.
    """
    # Untyped: its stubs know neither a bundle of certificates nor two timeouts.
    make: Any = URLLib3Session
    session = make(
        verify=os.environ.get("AWS_CA_BUNDLE") or True,
        proxies=get_environ_proxies(url),
        timeout=_TIMEOUT,
    )
    request = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body)
    try:
        answer = session.send(request.prepare())
    except (HTTPClientError, BotoCoreError, OSError, ValueError) as error:
        raise NoAnswer(str(error)) from error
    return Answer(
        answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content
    )
