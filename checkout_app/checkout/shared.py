"""One read of a parameter serves all processes of a pod.

Each worker follows the same parameters, and SSM counts every call (40 a second for a whole account)
and KMS charges each. So a worker whose news of a parameter is too old asks, one at a time, and
writes what it heard on a board in memory that all workers see; the others read it there.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
import zlib
from dataclasses import dataclass
from typing import Any

from checkout.parameters import ParameterStore, Unchanged

__all__ = ["Board", "SharedStore", "board"]

_LOOK_SECONDS = 0.02
_SIZE = 64 * 1024
_HEADER = 16


class ReadFailed(Exception):
    """The worker that asked could not read the parameter."""


@dataclass(frozen=True)
class News:
    """What was heard of a parameter, and when on the clock that all processes have."""

    at: float
    text: str | None
    error: str | None = None


class Board:
    """A page of memory that all processes forked from this one share, with a lock.

    The lock is the kernel's, and belongs to a process: one that dies lets go of it.
    """

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):  # in memory only: the values are secrets in SSM
            self._file = os.memfd_create("checkout-parameters")
        else:
            with tempfile.TemporaryFile() as file:
                self._file = os.dup(file.fileno())

    def claim(self) -> bool:
        """Take the lock; False if another process has it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Let go of the lock."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def news(self, name: str) -> News | None:
        """Give what was last heard of a parameter; None if nothing was."""
        entry = self._read().get(name)
        return None if entry is None else News(*entry)

    def post(self, name: str, news: News) -> None:
        """Write what was heard; to be called with the lock."""
        entries = self._read() | {name: [news.at, news.text, news.error]}
        text = json.dumps(entries).encode()
        os.pwrite(self._file, b"%08x%08x%s" % (len(text), zlib.crc32(text), text), 0)

    def _read(self) -> dict[str, list[Any]]:
        """Read the page; one that is being written is read again."""
        for _ in range(50):
            page = os.pread(self._file, _SIZE, 0)
            if not page:
                return {}
            length, checksum = int(page[:8], 16), int(page[8:_HEADER], 16)
            text = page[_HEADER : _HEADER + length]
            if zlib.crc32(text) == checksum:
                entries: dict[str, list[Any]] = json.loads(text)
                return entries
            time.sleep(0.001)
        return {}


class SharedStore:
    """A store that one process at a time asks, for all that share its board.

    Parameters
    ----------
    store : ParameterStore
        Where parameters come from.
    board : Board
        Made before the processes were forked.
    seconds : float
        How old news may be before somebody asks again.
    patience_seconds : float
        Longest wait for the first news, while another process asks.
    """

    def __init__(
        self, store: ParameterStore, board: Board, seconds: float, patience_seconds: float
    ) -> None:
        self._store = store
        self._board = board
        self._seconds = seconds
        self._patience = patience_seconds
        self._given: dict[str, float] = {}

    def read(self, name: str) -> str | None:
        """Give what was heard last, or ask if that is too old and nobody else does.

        Raises
        ------
        Unchanged
            Nothing was heard since the last call.
        ReadFailed
            Whoever asked got no answer.
        """
        deadline = time.monotonic() + self._patience
        while True:
            news = self._board.news(name)
            if news is None or news.at + self._seconds <= time.monotonic():
                news = self._asked(name) or news
            if news is not None:
                return self._give(name, news)
            if time.monotonic() >= deadline:
                raise ReadFailed(f"another worker has been asking for {self._patience:g} s")
            time.sleep(_LOOK_SECONDS)

    def _asked(self, name: str) -> News | None:
        """Ask, unless another process does or has just done so."""
        if not self._board.claim():
            return None
        try:
            news = self._board.news(name)
            if news is not None and news.at + self._seconds > time.monotonic():
                return news
            try:
                text, error = self._store.read(name), None
            except Exception as failure:  # noqa: BLE001 - whatever ails it, all workers hear of it
                text, error = None, f"{type(failure).__name__}: {failure}"
            news = News(time.monotonic(), text, error)
            self._board.post(name, news)
            return news
        finally:
            self._board.release()

    def _give(self, name: str, news: News) -> str | None:
        if self._given.get(name) == news.at:
            raise Unchanged
        self._given[name] = news.at
        if news.error is not None:
            raise ReadFailed(news.error)
        return news.text


board = Board()
"""The board of this service; made when the master loads its configuration, before any fork."""
