"""Turns: how many of the emulator's background threads compute at once.

In one Python process threads only take the interpreter from each other, and from the event loop
that answers requests. Whatever works in the background takes one of a few turns for it, and gives
it away while it waits.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple


class _Age(NamedTuple):
    """When something, or whoever it belongs to, counts as come; and whether others go first.

    Attributes
    ----------
    late
        It goes after everything of its time that is not.
    born
        On the monotonic clock, in seconds.
    """

    late: bool
    born: float


class _Start(NamedTuple):
    """Work that waits for its first turn."""

    age: _Age
    run: Callable[[], None]


class _Idle:
    """A thread that has nothing to do until somebody gives it some work."""

    def __init__(self) -> None:
        self._given = threading.Event()
        self._work: _Start | None = None

    def give(self, work: _Start) -> None:
        self._work = work
        self._given.set()

    def wait(self) -> _Start | None:
        self._given.wait()
        return self._work


_NEVER = float("inf")
#: For how long what lets others go first does so at the most, in seconds.
_LATE_SECONDS = 10.0
#: Threads that are kept: each costs as much to make as a state to run, and some memory to keep.
_IDLE_KEPT = 48


class Turns:
    """Hands out turns: to what is under way, the eldest first, then to new starts in order.

    What is started by something under way belongs to it and is as old: whoever waits for its child
    would else wait for everybody who came in the meantime. What is late counts as come some seconds
    later than it has, and goes by that alone. What is short and goes first goes before everything.

    Parameters
    ----------
    number : int
        Turns at once.
    """

    def __init__(self, number: int) -> None:
        self._lock = threading.Lock()
        self._free = number
        self._count = itertools.count()
        self._first: deque[threading.Event | _Start] = deque()
        #: By age; the second number keeps the order of those of one age.
        self._under_way: list[tuple[float, int, threading.Event | _Start]] = []
        self._late_under_way: list[tuple[float, int, threading.Event | _Start]] = []
        self._starting: deque[_Start] = deque()
        self._late_starting: deque[_Start] = deque()
        self._idle: list[_Idle] = []
        self._mine = threading.local()

    def start(self, run: Callable[[], None], *, late: bool = False, first: bool = False) -> None:
        """Run something in a thread of its own as soon as a turn is free; returns at once.

        Parameters
        ----------
        late
            It lets others go first; what belongs to something under way is as late as that.
        first
            It goes before all others.
        """
        parent = self._age()
        with self._lock:
            work = _Start(parent or _Age(late, time.monotonic() + _LATE_SECONDS * late), run)
            if self._free <= 0:
                if first:
                    self._first.append(work)
                elif parent is None:
                    (self._late_starting if late else self._starting).append(work)
                else:
                    self._queue(parent, work)
                return
            self._free -= 1
        self._begin(work)

    @contextlib.contextmanager
    def held(self, *, first: bool = False) -> Iterator[None]:
        """Wait for a turn, unless this thread has one, and keep it while the block lasts.

        Parameters
        ----------
        first
            It is given one before all others.
        """
        if getattr(self._mine, "held", False):
            yield
            return
        self._take(first=first)
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

    def _age(self) -> _Age | None:
        """When what this thread works at came; None for a thread that was not started here."""
        age: _Age | None = getattr(self._mine, "age", None)
        return age

    def _queue(self, age: _Age, waiting: threading.Event | _Start) -> None:
        queue = self._late_under_way if age.late else self._under_way
        heapq.heappush(queue, (age.born, next(self._count), waiting))

    def _begin(self, work: _Start) -> None:
        with self._lock:
            idle = self._idle.pop() if self._idle else None
        if idle is not None:
            idle.give(work)
            return
        threading.Thread(target=self._work, args=(work,), daemon=True, name="execution").start()

    def _work(self, first: _Start) -> None:
        work: _Start | None = first
        # The next one takes over the thread, which costs as much to make as a state to run.
        while work is not None:
            self._mine.held = True
            self._mine.age = work.age
            try:
                work.run()
            except BaseException:
                self._mine.held = False
                self._give()
                raise
            self._mine.held = False
            work = self._next() or self._more_work()

    def _more_work(self) -> _Start | None:
        """Wait for work where there is none; returns nothing where enough threads do so."""
        mine = _Idle()
        with self._lock:
            if len(self._idle) >= _IDLE_KEPT:
                return None
            self._idle.append(mine)
        return mine.wait()

    def _take(self, *, first: bool = False) -> None:
        age = self._age()
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            mine = threading.Event()
            if first:
                self._first.append(mine)
            else:
                self._queue(age or _Age(False, time.monotonic()), mine)
        mine.wait()

    def _give(self) -> None:
        work = self._next()
        if work is not None:
            self._begin(work)

    def _next(self) -> _Start | None:
        """Pass the turn on; returns what is to be started with it, if anything."""
        with self._lock:
            eldest = self._eldest()
            if eldest is None:
                self._free += 1
                return None
            if isinstance(eldest, _Start):
                return eldest
            eldest.set()
            return None

    def _eldest(self) -> threading.Event | _Start | None:
        """Take whose turn it is."""
        if self._first:
            return self._first.popleft()
        if self._under_way:
            return heapq.heappop(self._under_way)[2]
        starting, late = self._starting, self._late_starting
        # Of one time what is under way goes first, and what is late last.
        came = [
            (self._late_under_way[0][0] if self._late_under_way else _NEVER),
            (starting[0].age.born if starting else _NEVER),
            (late[0].age.born if late else _NEVER),
        ]
        first = min(came)
        if first == _NEVER:
            return None
        if came[0] == first:
            return heapq.heappop(self._late_under_way)[2]
        return starting.popleft() if came[1] == first else late.popleft()


#: Shared by executions of state machines and the delivery of events. One, for two would only take
#: the interpreter from each other, and both from the thread that answers requests.
COMPUTING = Turns(1)
