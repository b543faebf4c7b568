"""The end of a log file."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["TAIL_LINES", "tail"]

TAIL_LINES = 20


def tail(path: Path, n: int = TAIL_LINES) -> str:
    """Give the last ``n`` lines of a file, empty where it is missing.

    Reads at most 64 KiB from its end.
    """
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - 65536))
            text = log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-n:])
