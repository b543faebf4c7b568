"""Waiting until something is so, without waiting for what has ended already."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from onemachine.processes.errors import StartFailed
from onemachine.processes.log_tail import TAIL_LINES

__all__ = ["LogTail", "wait_until"]

T = TypeVar("T")

_POLL_SECONDS = 0.05
_SLOWEST_POLL_SECONDS = 0.25


class LogTail(Protocol):
    """What :func:`wait_until` needs to know of the process that it waits for."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    @property
    def log_path(self) -> Path:
        """The file with its output."""

    def alive(self) -> bool:
        """Whether it still runs."""

    def log_tail(self, n: int = ...) -> str:
        """Give its last ``n`` lines of output."""


def wait_until(
    probe: Callable[[], T | None],
    what: str,
    timeout: float = 30.0,
    process: LogTail | None = None,
) -> T:
    """Ask until the answer is true, and give it.

    An :class:`OSError` or :class:`http.client.HTTPException` of the probe means "not yet"; anything
    else is a mistake and comes through.

    Parameters
    ----------
    probe : callable
        Gives something true when it is so far.
    what : str
        What is waited for, for the message ("the API server to be ready").
    timeout : float
        Seconds.
    process : LogTail, optional
        The process that must get there; where it ends, waiting ends.

    Raises
    ------
    StartFailed
        Time is up or the process ended; with the tail of its log.
    """
    deadline = time.monotonic() + timeout
    pause = _POLL_SECONDS
    seen = "no answer yet"
    while True:
        # Its end is noticed first, but an answer that it gave before still counts.
        ended = process is not None and not process.alive()
        try:
            answer = probe()
            if answer:
                return answer
            seen = "it answers, but is not ready yet"
        except (OSError, http.client.HTTPException) as error:
            seen = f"{type(error).__name__}: {error}"
        if ended and process is not None:
            raise _failed(what, f"{process.name} ended", process)
        if time.monotonic() >= deadline:
            raise _failed(what, f"not within {timeout:g} s ({seen})", process)
        time.sleep(pause)
        pause = min(pause * 1.3, _SLOWEST_POLL_SECONDS)


def _failed(what: str, reason: str, process: LogTail | None) -> StartFailed:
    if process is None:
        return StartFailed(what, reason)
    return StartFailed(what, reason, process.log_path, process.log_tail(TAIL_LINES))
