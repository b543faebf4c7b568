"""Mends how many executions compute at once, and that each waits before it starts.

Step Functions runs every execution on machines of its own. The emulator starts a thread for each,
and lets it sleep 0.15 seconds first; with hundreds of them a webhook waits for many seconds for
its answer, and the senders are refused. Here a few executions compute at a time and the others
wait their turn, the eldest first; one that waits itself, for time to pass, for a function or for a
callback, gives its turn away meanwhile. What has begun goes before what is new, so that the number
of threads stays small in a flood. Executions of the machines that ``SRECTL_LOCAL_AWS_STEPS_ASIDE``
names let the others go first, for some seconds, and those that ``SRECTL_LOCAL_AWS_GOES_FIRST``
names, which are short, go before all others. Nothing is dropped, and nothing else changes.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from onemachine.aws.turns import COMPUTING, Turns
from onemachine.aws.variables import GOES_FIRST_VARIABLE, STEPS_ASIDE_VARIABLE

#: What the emulator lets each execution sleep before its first state.
_BEFORE_START_SECONDS = 0.15


class _Threading:
    """The emulator's view of ``threading``: threads of executions wait for their turn."""

    def __init__(
        self, inner: Any, turns: Turns, late: frozenset[str], first: frozenset[str] = frozenset()
    ) -> None:
        self._inner = inner
        self._turns = turns
        self._late = late
        self._first = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def Thread(self, *, target: Any, args: Any = (), **named: Any) -> Any:  # noqa: N802 - stands in for threading.Thread
        if args and args[0] is stepfunctions._run_execution:
            machine = str(args[1]).split(":")[6]
            late, first = machine in self._late, machine in self._first
            return _Start(self._turns, lambda: target(*args), late=late, first=first)
        return self._inner.Thread(target=target, args=args, **named)


class _Start:
    """Stands in for the thread of an execution."""

    def __init__(self, turns: Turns, run: Callable[[], None], *, late: bool, first: bool) -> None:
        self._turns = turns
        self._run = run
        self._late = late
        self._first = first

    def start(self) -> None:
        """Queue the execution."""
        self._turns.start(self._run, late=self._late, first=self._first)


class _Time:
    """The emulator's view of ``time``: a sleep gives the turn away."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        if seconds == _BEFORE_START_SECONDS:
            return
        with self._turns.away():
            time.sleep(seconds)


def _waits(resource: str) -> bool:
    return any(part in resource for part in (":lambda:", ":http:", ":activity:", ".sync"))


def apply() -> None:
    """Put the executions into a queue, and let those that wait step aside."""
    turns = COMPUTING
    stock_invoke = stepfunctions._invoke_resource
    stock_timed = stepfunctions._invoke_resource_with_timeout
    stock_branch = stepfunctions._run_sub_machine

    def aside(stock: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with turns.away():
                return stock(*arguments)

        return call

    def invoke_resource(resource: str, *arguments: Any) -> Any:
        with turns.away() if _waits(resource) else contextlib.nullcontext():
            return stock_invoke(resource, *arguments)

    def invoke_with_timeout(resource: str, *arguments: Any) -> Any:
        with turns.away() if _waits(resource) else contextlib.nullcontext():
            return stock_timed(resource, *arguments)

    def run_branch(*arguments: Any) -> Any:
        # In a thread of its own, while the one that waits for all branches is away.
        with turns.held():
            return stock_branch(*arguments)

    for name in ("_invoke_with_callback", "_execute_parallel", "_execute_map"):
        setattr(stepfunctions, name, aside(getattr(stepfunctions, name)))
    stepfunctions._invoke_resource = invoke_resource
    stepfunctions._invoke_resource_with_timeout = invoke_with_timeout
    stepfunctions._run_sub_machine = run_branch
    late, first = (
        frozenset(os.environ.get(variable, "").split(","))
        for variable in (STEPS_ASIDE_VARIABLE, GOES_FIRST_VARIABLE)
    )
    stepfunctions.threading = _Threading(stepfunctions.threading, turns, late, first)
    stepfunctions.time = _Time(turns)
