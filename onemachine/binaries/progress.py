"""Telling whoever waits for a download or a build what is being done, how far, and for how long.

A bar on a terminal; elsewhere (CI logs) a plain line now and then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["BuildProgress", "LineProgress", "SilentProgress", "TerminalProgress", "showing"]

_SECONDS_BETWEEN_LINES = 15.0


class BuildProgress(Protocol):
    """Receives how the work goes; told often, it decides itself what to show."""

    def update(
        self, component: str, doing: str, done: int = 0, total: int | None = None, unit: str = ""
    ) -> None:
        """Say what is done now.

        Parameters
        ----------
        component : str
            What is being got, with its version.
        doing : str
            The step, as in "compiling packages".
        done, total : int
            How far the step is; ``total`` is None where that is not known.
        unit : str
            What is counted, as in "MB"; empty for things.
        """

    def note(self, text: str) -> None:
        """Say something that must be read, as that another way is taken."""


class SilentProgress:
    """Shows nothing."""

    def update(
        self, component: str, doing: str, done: int = 0, total: int | None = None, unit: str = ""
    ) -> None:
        """See :class:`BuildProgress`."""

    def note(self, text: str) -> None:
        """See :class:`BuildProgress`."""


class LineProgress:
    """Prints a line for each step, and in a long step another every fifteen seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started: dict[str, float] = {}
        self._last_step = ("", "")
        self._last_line = 0.0

    def update(
        self, component: str, doing: str, done: int = 0, total: int | None = None, unit: str = ""
    ) -> None:
        """See :class:`BuildProgress`."""
        now = time.monotonic()
        started = self._started.setdefault(component, now)
        step = (component, doing)
        if step == self._last_step and now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        self._last_step, self._last_line = step, now
        amount = _amount(done, total, unit)
        self._console.print(
            f"{component}: {doing}{amount and ' ' + amount} ({now - started:.0f} s)",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def note(self, text: str) -> None:
        """See :class:`BuildProgress`."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class TerminalProgress:
    """Draws one bar for each component. Use :func:`showing`."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def update(
        self, component: str, doing: str, done: int = 0, total: int | None = None, unit: str = ""
    ) -> None:
        """See :class:`BuildProgress`."""
        if component not in self._tasks:
            self._tasks[component] = self._bars.add_task(component, total=None, amount="")
        self._bars.update(
            self._tasks[component],
            description=f"{component}: {doing}",
            completed=done,
            total=total,
            amount=_amount(done, total, unit),
        )

    def note(self, text: str) -> None:
        """See :class:`BuildProgress`."""
        self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def showing(console: Console) -> Iterator[BuildProgress]:
    """Show downloads and builds on a console while the block runs."""
    if not console.is_terminal:
        yield LineProgress(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        yield TerminalProgress(bars)


def _amount(done: int, total: int | None, unit: str) -> str:
    if total == 1:
        return ""
    if total:
        return f"{done} of {total} {unit}".rstrip()
    return f"{done} {unit}".rstrip() if done else ""
