"""The last lines of a container: of the run that goes on, and of the one before it."""

from __future__ import annotations

import threading
from collections import deque

from onemachine.node.timestamps import now_micro

_MOST_BYTES = 65_536  # of each run; a kubelet keeps 10 MB in files


class Run:
    """The newest lines of one run, each with the time at which it was complete."""

    def __init__(self) -> None:
        self.lines: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self._begun = b""

    def write(self, data: bytes) -> None:
        """Take output."""
        *whole, self._begun = (self._begun + data).split(b"\n")
        self._begun = self._begun[-_MOST_BYTES:]
        at = now_micro()
        for line in whole:
            self.lines.append((at, line[-_MOST_BYTES:]))
            self._size += len(self.lines[-1][1])
        while self._size > _MOST_BYTES:
            self._size -= len(self.lines.popleft()[1])

    def all(self) -> list[tuple[str, bytes]]:
        """Give the lines, one that has no end yet last."""
        return [*self.lines, *([(now_micro(), self._begun)] if self._begun else [])]


class RecentLines:
    """What a kubelet answers who asks for a container's log. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: list[Run] = []

    def begin(self) -> None:
        """Note that the container starts, anew or for the first time."""
        with self._lock:
            self._runs = [*self._runs[-1:], Run()]

    def newest(self) -> Run:
        """Give the run that goes on; the first one, where none was noted."""
        with self._lock:
            if not self._runs:
                self._runs = [Run()]
            return self._runs[-1]

    def write(self, data: bytes, run: Run | None = None) -> None:
        """Take output of a run, without one of that which goes on."""
        found = run or self.newest()
        with self._lock:
            found.write(data)

    def tail(
        self, *, previous: bool, lines: int | None, most: int | None, timestamps: bool
    ) -> bytes | None:
        """Give the end of a log.

        Parameters
        ----------
        previous : bool
            Of the run before the last one.
        lines : int or None
            Lines at most.
        most : int or None
            Bytes at most, from the first of these lines on.
        timestamps : bool
            Whether each line begins with its time (RFC 3339).

        Returns
        -------
        bytes or None
            None where there was no such run.
        """
        with self._lock:
            wanted = 2 if previous else 1
            if len(self._runs) < wanted:
                return None
            found = self._runs[-wanted].all()
        if lines is not None:
            found = found[-lines:] if lines else []
        stamped = (f"{at} ".encode() + line if timestamps else line for at, line in found)
        text = b"".join(line + b"\n" for line in stamped)
        return text if most is None else text[:most]
