"""A small web server on loopback that can also be bad at it, as real ones are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.serving import serving as answering

_CHUNK = 1 << 20


@dataclass
class Manners:
    """How the server answers for one file; the faults are by its name.

    Parameters
    ----------
    breaks_after : list of int
        Bytes after which the connection breaks, one for each of the next requests.
    stalls_after : int, optional
        Bytes after which nothing more comes, while the connection stays.
    trickles : bool
        Whether it comes a byte at a time, a tenth of a second apart.
    knows_ranges : bool
        Whether a Range request is answered with the rest only.
    status : int, optional
        Answer with this instead.
    location : str
        Where a redirect leads.
    """

    breaks_after: list[int] = field(default_factory=list)
    stalls_after: int | None = None
    trickles: bool = False
    knows_ranges: bool = True
    status: int | None = None
    location: str = ""


class ReleaseServer(ThreadingHTTPServer):
    """Serves a folder; use :func:`serving`."""

    daemon_threads = True

    def __init__(self, root: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.root = root.resolve()
        self.manners: dict[str, Manners] = {}
        self.requests: list[tuple[str, str | None]] = []  #: name of the file, its Range header
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(root: Path) -> Iterator[ReleaseServer]:
    """Serve a folder on a free port while the block runs."""
    with answering(ReleaseServer(root)) as server:
        try:
            yield server
        finally:
            server.closing.set()


class _Handler(BaseHTTPRequestHandler):
    server: ReleaseServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.server.root / self.path.lstrip("/")
        self.server.requests.append((path.name, self.headers["Range"]))
        manners = self.server.manners.get(path.name, Manners())
        self.close_connection = True
        if manners.status is not None:
            self.send_response(manners.status)
            if manners.location:
                self.send_header("Location", manners.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif ".." in path.parts or not path.is_file():
            self.send_error(404)
        else:
            self._send(path, manners)

    def _send(self, path: Path, manners: Manners) -> None:
        size, start = path.stat().st_size, 0
        if manners.knows_ranges and self.headers["Range"]:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= size:
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        end = size
        if manners.breaks_after:
            end = min(end, start + manners.breaks_after.pop(0))
        if manners.stalls_after is not None:
            end = min(end, start + manners.stalls_after)
        with path.open("rb") as content:
            content.seek(start)
            while (left := end - content.tell()) > 0:
                self.wfile.write(content.read(1 if manners.trickles else min(left, _CHUNK)))
                if manners.trickles and self.server.closing.wait(0.1):
                    return
        if manners.stalls_after is not None:
            self.server.closing.wait()

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # whoever asked has given up

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the requests are remembered."""
