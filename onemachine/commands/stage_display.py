"""Showing what a supervisor does: live on a terminal, as plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.status import Status

from onemachine.stack.progress import Event
from srectl.commands.display import console

__all__ = ["StageDisplay"]


class StageDisplay:
    """Prints each finished stage as a line, and on a terminal what is being done below it."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}
        self._status: Status | None = None

    @contextmanager
    def live(self) -> Iterator[StageDisplay]:
        """Show while the block lasts."""
        if console.is_terminal:
            with console.status("starting") as status:
                self._status = status
                yield self
            self._status = None
        else:
            yield self

    def __call__(self, event: Event) -> None:
        """Show one event."""
        text = escape(event.text)
        if event.kind == "started":
            self._running[event.stage] = text
        elif event.kind == "report":
            self._running[event.stage] = text
            if self._status is None:
                console.print(f"  · {escape(event.stage)}: {text}")
        elif event.kind == "finished":
            self._running.pop(event.stage, None)
            console.print(f"  [green]✓[/] {text} [dim]{event.seconds or 0:.1f} s[/]")
        elif event.kind == "failed":
            self._running.pop(event.stage, None)
            console.print(f"  [red]✗[/] {escape(event.stage)}")
        elif event.kind in ("note", "stopping", "stopped"):
            console.print(f"  · {text}")
        if self._status is not None:
            self._status.update(" · ".join(self._running.values()) or "…")
