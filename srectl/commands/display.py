"""Where the commands print to."""

from __future__ import annotations

import sys

from rich.console import Console

__all__ = ["console"]

# Where nobody looks through a window (CI, a file) there is no width to fit into.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
