"""The client's journal: what was sent, what was answered, which faults struck, and when.

One line of JSON for each entry, appended and flushed at once, so that it also tells of a campaign
that was broken off. Nobody but the campaign's own client and nemesis writes it: it is the side of
the history that the platform has no hand in.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Entry", "Journal", "read"]

Entry = Mapping[str, Any]


@dataclass
class Journal:
    """Appends entries; safe from several threads.

    Parameters
    ----------
    file : Path
        Where to; made anew.
    clock : callable
        Gives Unix time in seconds.
    """

    file: Path
    clock: Callable[[], float] = time.time
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.file.open("w", encoding="utf-8")

    def note(self, what: str, **values: Any) -> None:
        """Write one entry.

        Parameters
        ----------
        what : str
            ``sent``, ``answered``, ``struck``, ``healed``, ``seen``, ``changed`` or ``told``.
        **values
            What belongs to it; JSON-able.
        """
        with self._lock:
            entry = {"at": round(self.clock(), 4), "what": what, **values}
            self._stream.write(json.dumps(entry, separators=(",", ":")) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._stream.close()


def read(file: Path) -> Iterator[Entry]:
    """Read a journal; a line that was broken off at its end is left out."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)
