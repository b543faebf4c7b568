"""Processes that a test is to leave nothing of."""

from __future__ import annotations

from pathlib import Path


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody has waited for does not.

    Parameters
    ----------
    pid
        Its number.
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    # It may end between the opening of that file and its reading.
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
