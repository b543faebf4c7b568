"""The thread in which all expressions are evaluated.

What an engine has compiled belongs to the thread that did so: with one for each of a hundred
executions under way, each compiled all of a machine's expressions for itself and kept them, some
megabytes with its patterns. As only one execution computes at a time, one thread is enough.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


class _Task:
    """A call that the thread is to make, for whoever waits for it."""

    __slots__ = ("_answer", "_args", "_done", "_failure", "_function", "_named")

    def __init__(self, function: Callable[..., Any], args: Any, named: Any) -> None:
        self._function = function
        self._args = args
        self._named = named
        # A bare lock: a Future, with its condition, costs nearly twice as much.
        self._done = threading.Lock()
        self._done.acquire()
        self._answer: Any = None
        self._failure: BaseException | None = None

    def do(self) -> None:
        try:
            self._answer = self._function(*self._args, **self._named)
        except BaseException as failure:  # noqa: BLE001 - also what an engine in Rust panics with
            self._failure = failure
        self._done.release()

    def wait(self) -> Any:
        self._done.acquire()
        if self._failure is not None:
            raise self._failure
        return self._answer


class Evaluator:
    """Runs functions one after another in one thread, for whoever calls them."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        thread = threading.Thread(target=self._work, daemon=True, name="evaluator")
        thread.start()
        self._ident = thread.ident

    def alone(self, function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
        """Let a function run in that thread; what runs there already calls it directly.

        Parameters
        ----------
        function
            What it gives or raises is given or raised to its caller.
        """

        @functools.wraps(function)
        def called(*args: _Given.args, **named: _Given.kwargs) -> _Answer:
            if threading.get_ident() == self._ident:
                return function(*args, **named)
            task = _Task(function, args, named)
            self._waiting.put(task)
            return cast(_Answer, task.wait())

        return called

    def _work(self) -> None:
        while True:
            self._waiting.get().do()
