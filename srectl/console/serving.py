"""The server: on loopback only, until it is interrupted or nobody has looked for a while."""

from __future__ import annotations

import threading
import time
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from srectl.console.app import Console
from srectl.errors import CommandFailed

__all__ = ["Server"]

HOST = "127.0.0.1"
_LOOK_SECONDS = 1.0


class _Handler(WSGIRequestHandler):
    """Writes no log, in which the token would stand, and does not say what it is made of."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""

    def version_string(self) -> str:
        """Give no versions."""
        return "srectl"


class Server:
    """A console that listens.

    Parameters
    ----------
    console
        What it serves.
    port
        0: any that is free.
    idle_seconds
        How long nobody may look before it ends.

    Raises
    ------
    CommandFailed
        It cannot listen there.
    """

    def __init__(self, console: Console, port: int = 0, idle_seconds: float = 3600) -> None:
        self._console = console
        self._idle_seconds = idle_seconds
        self._seen = time.monotonic()
        try:
            self._server: BaseWSGIServer = make_server(
                HOST, port, console.app, threaded=True, request_handler=_Handler
            )
        except (OSError, SystemExit) as error:
            raise CommandFailed(
                f"the console cannot listen on {HOST}:{port} ({error})", "leave --port out"
            ) from error
        self.port = self._server.server_port
        console.doors.hosts = frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})

    @property
    def address(self) -> str:
        """The address that lets the first browser in."""
        return f"http://{HOST}:{self.port}{self._console.way_in}"

    def run(self) -> None:
        """Serve until nobody has looked for the time that was given, or :meth:`stop`."""
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            self._server.serve_forever(poll_interval=0.2)
        finally:
            self._console.watchers.over.set()
            self._server.server_close()

    def stop(self) -> None:
        """End."""
        self._console.watchers.over.set()
        self._server.shutdown()

    def _watch(self) -> None:
        while not self._console.watchers.over.wait(_LOOK_SECONDS):
            now = time.monotonic()
            looked = now if self._console.watchers.count else self._console.doors.seen
            self._seen = max(self._seen, looked)
            if now - self._seen > self._idle_seconds:
                self.stop()
                return
