"""Stands between an action and the real API server, and spoils writes on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3

BAD_LABELS = {"not a label!": "x"}
WRITES = ("PATCH", "POST")


class FaultyProxy:
    """Forwards everything to the API server; until ``heal``, writes may fail in a stated way.

    Parameters
    ----------
    url, ca_file
        The API server.

    Attributes
    ----------
    answer
        Status to answer a write with, which then reaches nobody.
    mangle
        Make a write one that the API server refuses as invalid.
    lose
        Forward a write, and hang up instead of passing on the answer.
    before
        Done just before a write is forwarded.
    upstream
        Address of the API server.
    writes
        Writes that were asked for, as ``"PATCH /path"``.
    """

    def __init__(self, url: str, ca_file: str) -> None:
        self.heal()
        self.writes: list[str] = []
        self._upstream = urllib3.PoolManager(ca_certs=ca_file, retries=False)
        self.upstream = url
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.handle(self, body)
                self.wfile.flush()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def heal(self) -> None:
        """Forward everything again."""
        self.answer = 0
        self.mangle = False
        self.lose = False
        self.before: Callable[[], Any] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Forward one request, or not."""
        spoil = handler.command in WRITES
        if spoil:
            self.writes.append(f"{handler.command} {handler.path}")
        if spoil and self.answer:
            status = {"kind": "Status", "code": self.answer, "message": "made to fail"}
            self._reply(handler, self.answer, json.dumps(status).encode())
            return
        if spoil and self.before:
            self.before()
        if spoil and self.mangle:
            body = _mangled(body)
        headers = {
            key: value
            for key, value in handler.headers.items()
            if key.lower() in ("accept", "authorization", "content-type")
        }
        answer = self._upstream.request(
            handler.command, self.upstream + handler.path, body=body or None, headers=headers
        )
        if spoil and self.lose:
            handler.close_connection = True
            return
        self._reply(handler, answer.status, answer.data)

    @staticmethod
    def _reply(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def _mangled(body: bytes) -> bytes:
    patch = json.loads(body)
    if isinstance(patch, list):
        patch.append({"op": "add", "path": "/metadata/labels", "value": BAD_LABELS})
    else:
        patch.setdefault("metadata", {})["labels"] = BAD_LABELS
    return json.dumps(patch).encode()
