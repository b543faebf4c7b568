"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_LOOK_SECONDS = 0.1


def eventually(what: str, probe: Callable[[], T | None], seconds: float = 30.0) -> T:
    """Ask until the answer is truthy, and give it.

    Parameters
    ----------
    what : str
        What is waited for, for who reads the failure.
    probe : callable
        Asks; its exceptions are not caught.
    seconds : float
        How long it may take.

    Raises
    ------
    AssertionError
        It did not happen in time; the message has the last answer.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s; last answer {answer!r}")
        time.sleep(_LOOK_SECONDS)
