"""Mends where SNS and API destinations post to: names that stand for a service on this machine.

A template may only name https addresses in the internet. The emulator would really go there. Here a
file, read before each request, says which address stands for which one on loopback, as a hosts file
does for names; what it does not name, and is not on loopback, cannot be reached: nothing that the
local AWS has to tell leaves this machine.
"""

from __future__ import annotations

import ipaddress
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from ministack.services import eventbridge, sns

from onemachine.aws.variables import OUTBOUND_FILE_VARIABLE


def _known() -> dict[str, str]:
    file = os.environ.get(OUTBOUND_FILE_VARIABLE)
    try:
        found: dict[str, str] = json.loads(Path(file).read_text("utf-8")) if file else {}
    except FileNotFoundError:
        return {}
    return found


def _is_loopback(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def local_address(url: str) -> str:
    """Return the address on loopback that ``url`` stands for.

    Raises
    ------
    urllib.error.URLError
        There is none.
    """
    for prefix, stands_for in _known().items():
        if url.startswith(prefix):
            return stands_for
    if _is_loopback(url):
        return url
    host = urllib.parse.urlsplit(url).hostname
    raise urllib.error.URLError(
        f"{host} is not on this machine, and {OUTBOUND_FILE_VARIABLE} names nothing in its place"
    )


def apply() -> None:
    """Translate addresses right before they are dialled."""
    stock_post = sns._http_post_sync
    stock_open = eventbridge._http_open

    def post(endpoint: str, payload: str, message_type: str) -> Any:
        return stock_post(local_address(endpoint), payload, message_type)

    def http_open(request: urllib.request.Request, timeout: int = 5) -> Any:
        request.full_url = local_address(request.full_url)
        return stock_open(request, timeout)

    sns._http_post_sync = post
    eventbridge._http_open = http_open
