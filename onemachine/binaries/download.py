"""Fetching one file over http(s): in pieces if need be, and never waiting for long.

What arrived before a break stays in the ``.part`` file, and the next try asks for the rest only
(a Range request). Whether the whole is right is for its checksum to say.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from onemachine.binaries.errors import NotDownloaded
from onemachine.binaries.mirror import Mirror, on_loopback

__all__ = ["fetch", "fetch_text"]

Progress = Callable[[int, int | None], None]

CONNECT_SECONDS = 4.0
#: A transfer that brings fewer than this many bytes in this many seconds is given up.
STALL_SECONDS = 15.0
LEAST_BYTES = 64 << 10
#: How often a broken transfer is taken up again, and after what pause, doubled each time.
RESUMPTIONS = 4
RESUME_AFTER_SECONDS = 1.0

_CHUNK = 256 << 10
_MOST_TEXT_BYTES = 1 << 20
_REDIRECTIONS = 5


class Unreachable(NotDownloaded):
    """Nobody answers at an address."""


class _Broken(Exception):
    """A transfer that had begun ended too early; the rest can be asked for."""


def fetch(url: str, part: Path, mirror: Mirror, progress: Progress) -> None:
    """Bring a file here, going on where an earlier try ended.

    Parameters
    ----------
    url : str
        Its address at the publisher.
    part : Path
        Where it goes; what is in it already is taken for its beginning.
    mirror : Mirror
        Where it is really fetched from.
    progress : callable
        Is told the bytes that are here, and how many there are in all (None: not known).

    Raises
    ------
    NotDownloaded
        It cannot be had, or broke off time and again. ``part`` keeps what came.
    OSError
        ``part`` cannot be written.
    """
    address = mirror.locate(url)
    for resumption in range(RESUMPTIONS + 1):
        try:
            _fetch_rest(address, part, mirror, progress)
        except (_Broken, Unreachable) as error:
            if resumption == 0 and isinstance(error, Unreachable):
                raise  # not there at all: another way is to be taken at once
            if resumption == RESUMPTIONS:
                raise NotDownloaded(
                    f"{address} broke off {RESUMPTIONS + 1} times: {error}"
                ) from error
            time.sleep(RESUME_AFTER_SECONDS * 2**resumption)
        else:
            return


def fetch_text(url: str, mirror: Mirror) -> str:
    """Read a small text file.

    Raises
    ------
    NotDownloaded
        It cannot be had, or is larger than 1 MiB.
    """
    address = mirror.locate(url)
    with _opened(address, mirror, {}) as response:
        try:
            body = response.read(_MOST_TEXT_BYTES + 1)
        except (HTTPError, OSError) as error:
            raise NotDownloaded(f"{address} broke off: {error}") from error
    if len(body) > _MOST_TEXT_BYTES:
        raise NotDownloaded(f"{address} is no list of checksums: it is larger than 1 MiB")
    return body.decode(errors="replace")


def _fetch_rest(address: str, part: Path, mirror: Mirror, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    wanted = {"Range": f"bytes={have}-"} if have else {}
    with _opened(address, mirror, wanted) as response:
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing comes after what is here: the checksum tells whether it is right
        continues = response.status == HTTPStatus.PARTIAL_CONTENT
        if continues and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise NotDownloaded(f"{address} answers another range than was asked for")
        if not continues:
            have = 0  # a server that knows no ranges sends the whole
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None and length.isdecimal() else None
        progress(have, total)
        with part.open("ab" if continues else "wb") as file:
            for chunk in _chunks(response):
                file.write(chunk)
                have += len(chunk)
                progress(have, total)
    if total is not None and have < total:
        raise _Broken(f"{have} of {total} bytes came")


def _chunks(response: BaseHTTPResponse) -> Iterator[bytes]:
    """Give what arrives as it arrives, and end a transfer that hardly moves."""
    window_started, window_bytes = time.monotonic(), 0
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except (HTTPError, OSError) as error:
            raise _Broken(f"the connection broke: {error}") from error
        if not chunk:
            return
        yield chunk
        window_bytes += len(chunk)
        elapsed = time.monotonic() - window_started
        if elapsed >= STALL_SECONDS:
            if window_bytes < LEAST_BYTES:
                raise _Broken(f"only {window_bytes} bytes came in {elapsed:.0f} s")
            window_started, window_bytes = time.monotonic(), 0


@contextmanager
def _opened(address: str, mirror: Mirror, headers: dict[str, str]) -> Iterator[BaseHTTPResponse]:
    """Send a GET, follow redirects to addresses that are allowed, refuse errors."""
    url = address
    for _ in range(_REDIRECTIONS + 1):
        mirror.check(url)
        with _pool(url) as pool:
            try:
                response = pool.request(
                    "GET",
                    url,
                    headers={"Accept-Encoding": "identity", **headers},
                    preload_content=False,
                    redirect=False,
                    retries=False,
                    timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=STALL_SECONDS),
                )
            except HTTPError as error:
                raise Unreachable(f"{url} does not answer: {error}") from error
            try:
                location = response.get_redirect_location()
                if location:
                    url = urljoin(url, location)
                    continue
                if response.status >= HTTPStatus.BAD_REQUEST and not (
                    headers and response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                ):
                    raise NotDownloaded(f"{url} answers {response.status} {response.reason}")
                yield response
                return
            finally:
                response.close()
    raise NotDownloaded(f"{address} redirects more than {_REDIRECTIONS} times")


def _pool(url: str) -> urllib3.PoolManager:
    """Go through the proxy that the environment names for an address, if any."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    direct = on_loopback(url) or urllib.request.proxy_bypass(parts.hostname or "")
    if proxy and not direct:
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()
