"""Work beside a test that fails the test if it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """Runs a function in a thread until it is told to stop.

    A plain thread ends at an error, and what waits for its work, or counts what it saw, does not
    hear of that.

    Parameters
    ----------
    work : callable
        Given an event; returns soon after that is set.
    """

    def __init__(self, work: Callable[[threading.Event], None]) -> None:
        self._work = work
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float = 20) -> None:
        """Let it end.

        Parameters
        ----------
        seconds : float
            Longest to wait for that.

        Raises
        ------
        AssertionError
            If it failed, or has not ended by then.
        """
        self._stop.set()
        self._thread.join(seconds)
        if self._error is not None:
            raise AssertionError("what ran beside the test failed") from self._error
        assert not self._thread.is_alive(), f"what ran beside the test goes on after {seconds} s"

    def _run(self) -> None:
        try:
            self._work(self._stop)
        except BaseException as error:  # noqa: BLE001 - raised where it is stopped
            self._error = error
