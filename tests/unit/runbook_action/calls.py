"""A record of the calls to the outside, one of which can be made to fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Calls:
    """Every call to the outside, in order; one of them can be made to fail.

    ``fail_at(n, error)`` fails the n-th call from now before it does anything;
    ``fail_at(n, error, after=True)`` after it has done its work, as when an answer is lost.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self._fail: tuple[int, Exception, bool] | None = None

    def fail_at(self, number: int, error: Exception, *, after: bool = False) -> None:
        self._fail = (len(self.log) + number, error, after)

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        self.log.append(name)
        failing = self._fail if self._fail and self._fail[0] == len(self.log) else None
        if failing and not failing[2]:
            raise failing[1]
        try:
            return work()
        finally:
            if failing:  # the answer is lost, whatever it was
                raise failing[1]

    def writes(self) -> list[str]:
        return [call for call in self.log if call.startswith(("patch", "put", "create", "evict"))]
