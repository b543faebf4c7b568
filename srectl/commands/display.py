"""Where the commands print to."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

__all__ = ["console", "print_table"]

# Where nobody looks through a window (CI, a file) there is no width to fit into.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def print_table(table: Table) -> None:
    """Print a table of which no word is cut off, however narrow the terminal is.

    Where the words do not fit beside each other the terminal itself goes on in the next line, and
    an id can still be copied whole.
    """
    needed = Measurement.get(console, console.options.update(max_width=10_000), table)
    table.width = max(console.width, needed.minimum) if needed.maximum > console.width else None
    console.print(table, crop=False)
