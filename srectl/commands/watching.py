"""``srectl incidents watch``: the list, read anew until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from srectl.commands.display import console
from srectl.commands.operating import now, safe
from srectl.commands.times import clock
from srectl.errors import CommandFailed

__all__ = ["every_option", "watched"]

every_option = click.option(
    "--every",
    "seconds",
    type=click.IntRange(2, 3600),
    default=5,
    show_default=True,
    help="Seconds from one look to the next.",
)


def watched(
    show: Callable[[], None], seconds: int, pause: Callable[[float], None] = time.sleep
) -> None:
    """Show something again and again; Ctrl-C is how one ends it, and no failure.

    What fails once it has been seen is told, and tried again: a network that is away for a minute
    must not end what somebody looks at all night.

    Parameters
    ----------
    show
        Prints it.

    Raises
    ------
    CommandFailed
        It could not be shown at the first time.
    """
    seen = False
    try:
        while True:
            if console.is_terminal:
                console.clear()
            try:
                show()
                seen = True
            except CommandFailed as error:
                if not seen:
                    raise
                console.print(f"[red]not read[/] {safe(error.message)}")
            console.print(f"[dim]{clock(now(), now())}, every {seconds} s; Ctrl-C ends it[/]")
            pause(seconds)
    except KeyboardInterrupt:
        console.print()
