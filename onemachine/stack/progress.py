"""The progress stream: what the supervisor writes and the commands show, one JSON object a line.

A file and not a pipe, because the supervisor must not care whether anybody looks.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Event", "Kind", "ProgressWriter", "follow", "size_of"]

_POLL_SECONDS = 0.1
_LARGE_BYTES = 256 * 1024

Kind = Literal["started", "report", "finished", "failed", "ready", "stopping", "stopped", "note"]


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Parameters
    ----------
    at : float
        Unix time in seconds.
    kind : str
        ``started``, ``report``, ``finished`` or ``failed`` of a stage; ``ready``, ``stopping``,
        ``stopped`` of the whole stack; ``note`` for anything else.
    stage : str
        Name of the stage; empty for the whole stack.
    text : str
        For people.
    seconds : float, optional
        How long it took.
    pid : int
        The supervisor that wrote it: the file may hold what an earlier one left.
    """

    at: float
    kind: Kind
    stage: str
    text: str
    seconds: float | None = None
    pid: int = 0


class ProgressWriter:
    """Appends events to a file; usable from several threads.

    Parameters
    ----------
    path : Path
        Written on, so that a reader's place in it stays right from one supervisor to the next;
        begun anew only when it has become large.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        if size_of(path) > _LARGE_BYTES:
            path.unlink()
        self._file = path.open("a", encoding="utf-8")

    def write(self, kind: Kind, stage: str, text: str, seconds: float | None = None) -> None:
        """Append one event."""
        line = json.dumps(asdict(Event(time.time(), kind, stage, text, seconds, os.getpid())))
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


def size_of(path: Path) -> int:
    """Give the size of a file in bytes, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def follow(path: Path, alive: Callable[[], bool], position: int = 0) -> Iterator[Event]:
    """Give every event after a position in the file, as they come.

    Ends when the writer does not live any more and everything was given. Waiting for a file that is
    not there yet is part of it.

    Parameters
    ----------
    path : Path
        The file.
    alive : callable
        Whether its writer lives.
    position : int
        Byte to begin at: the size of the file before the writer was started gives its events only.
    """
    while True:
        # Asked first: what it wrote just before its end is read after that.
        living = alive()
        lines: list[bytes] = []
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < position:  # begun anew
                    position = 0
                file.seek(position)
                lines = file.readlines()
        except FileNotFoundError:
            pass
        for line in lines:
            if not line.endswith(b"\n"):
                break  # being written just now
            position += len(line)
            yield Event(**json.loads(line))
        if not living:
            return
        time.sleep(_POLL_SECONDS)
