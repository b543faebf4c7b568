"""Waiting for what other processes do, and how long a test has patience with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_LOOK_SECONDS = 0.1

#: How long another process may take for what it does in a moment on a quiet machine. Where the gate
#: runs, six lanes share two cores; and to be patient costs nothing where the thing happens. Below
#: the 300 s after which pytest ends a test, so that what was waited for is named.
PATIENCE_SECONDS = 120.0


def eventually(
    what: str,
    probe: Callable[[], T | None],
    seconds: float = PATIENCE_SECONDS,
    standing: Callable[[], str] | None = None,
) -> T:
    """Ask until the answer is truthy, and give it.

    Parameters
    ----------
    what : str
        What is waited for, for who reads the failure.
    probe : callable
        Asks; its exceptions are not caught.
    seconds : float
        How long it may take. Given only where the time is what is tested, or where what takes long
        is known to.
    standing : callable, optional
        Says how things stand, where the last answer of a probe says nothing.

    Raises
    ------
    AssertionError
        It did not happen in time; the message has the last answer, or how things stand.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            told = standing() if standing else f"last answer {answer!r}"
            raise AssertionError(f"{what}: not within {seconds:g} s; {told}")
        time.sleep(_LOOK_SECONDS)
