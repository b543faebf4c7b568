"""News for a page that is open: server-sent events, as long as somebody looks.

An event says only that something has changed; the page then fetches itself. So what a browser sees
is always a page that the server has made, escaped like every other.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask, Response, abort, request

from srectl.console import pages
from srectl.console.overview import OPEN
from srectl.console.reading import Part, Reading
from srectl.errors import CommandFailed

__all__ = ["Watchers", "register"]

_EVERY_SECONDS = 3.0
# A comment now and then finds a browser that is gone.
_SILENCE = 5


class Watchers:
    """How many pages are open, and whether the console is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._count = 0

    @property
    def count(self) -> int:
        """Pages that listen now."""
        return self._count

    def come(self, change: int) -> None:
        """Count one who comes (1) or goes (-1)."""
        with self._lock:
            self._count += change


def register(
    app: Flask, reading: Reading, watchers: Watchers, every: float = _EVERY_SECONDS
) -> None:
    """Add the stream of news.

    Parameters
    ----------
    every
        Seconds between two looks.
    """

    @app.get("/news")
    def news() -> Any:
        incident_id = request.args.get("incident", "")
        if incident_id and not pages.ID.fullmatch(incident_id):
            abort(404)
        version = (
            (lambda: _of_incident(reading, incident_id))
            if incident_id
            else (lambda: _of_all(reading))
        )
        return Response(_stream(version, watchers, every), mimetype="text/event-stream")


def _stream(version: Callable[[], str], watchers: Watchers, every: float) -> Iterator[str]:
    watchers.come(1)
    try:
        known = version()
        yield "retry: 3000\n\n"
        quiet = 0
        while not watchers.over.wait(every):
            found = version()
            if found != known:
                known, quiet = found, 0
                yield "event: news\ndata: changed\n\n"
                continue
            quiet += 1
            if quiet % _SILENCE == 0:
                yield ": still here\n\n"
    finally:
        watchers.come(-1)


def _of_incident(reading: Reading, incident_id: str) -> str:
    try:
        return _digest(reading.incident(incident_id))
    except CommandFailed as error:
        return _digest(error.message)


def _of_all(reading: Reading) -> str:
    parts: list[Part[Any]] = [reading.incidents(each) for each in OPEN]
    parts += [reading.over(), reading.mode(), reading.windows(), reading.queues()]
    parts.append(reading.own_modes())
    return _digest([each.problem or each.value for each in parts])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return vars(value) if hasattr(value, "__dict__") else str(value)
