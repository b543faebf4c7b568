"""Turns: how many of the emulator's background threads compute at once.

In one Python process threads only take the interpreter from each other, and from the event loop
that answers requests. Whatever works in the background takes one of a few turns for it, and gives
it away while it waits.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator


class Turns:
    """Hands out turns: to those who come back first, then to new starts, each in order.

    Parameters
    ----------
    number : int
        Turns at once.
    """

    def __init__(self, number: int) -> None:
        self._lock = threading.Lock()
        self._free = number
        self._returning: deque[threading.Event] = deque()
        self._starting: deque[Callable[[], None]] = deque()
        self._mine = threading.local()

    def start(self, run: Callable[[], None]) -> None:
        """Run something in a thread of its own as soon as a turn is free; returns at once."""
        with self._lock:
            if self._free <= 0:
                self._starting.append(run)
                return
            self._free -= 1
        self._begin(run)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for a turn, unless this thread has one, and keep it while the block lasts."""
        if getattr(self._mine, "held", False):
            yield
            return
        self._take()
        self._mine.held = True
        try:
            yield
        finally:
            self._mine.held = False
            self._give()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Give the turn of this thread, if it has one, to others while the block lasts."""
        if not getattr(self._mine, "held", False):
            yield
            return
        self._mine.held = False
        self._give()
        try:
            yield
        finally:
            self._take()
            self._mine.held = True

    def _begin(self, run: Callable[[], None]) -> None:
        threading.Thread(target=self._work, args=(run,), daemon=True, name="execution").start()

    def _work(self, first: Callable[[], None]) -> None:
        run: Callable[[], None] | None = first
        # The next one takes over the thread, which costs as much to make as a state to run.
        while run is not None:
            self._mine.held = True
            try:
                run()
            except BaseException:
                self._mine.held = False
                self._give()
                raise
            self._mine.held = False
            run = self._next()

    def _take(self) -> None:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            mine = threading.Event()
            self._returning.append(mine)
        mine.wait()

    def _give(self) -> None:
        run = self._next()
        if run is not None:
            self._begin(run)

    def _next(self) -> Callable[[], None] | None:
        """Pass the turn on; returns what is to be started with it, if anything."""
        with self._lock:
            if self._returning:
                self._returning.popleft().set()
                return None
            if self._starting:
                return self._starting.popleft()
            self._free += 1
            return None


#: Shared by executions of state machines and the delivery of events. More than one, so that an
#: expression that takes its whole second holds up nobody else.
COMPUTING = Turns(2)
