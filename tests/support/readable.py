"""What makes a file hard to read: lines one must scroll along, and blocks written twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

LONGEST = 160
BLOCK = 6


def long_lines(files: Iterable[Path], longest: int = LONGEST) -> list[str]:
    """Return ``file:line (length)`` of every line of more than ``longest`` characters."""
    return [
        f"{path.name}:{number} ({len(line)} characters)"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > longest
    ]


def repeated_blocks(files: Iterable[Path], size: int = BLOCK) -> list[str]:
    """Return where the same lines stand twice, wherever in these files and however indented.

    Parameters
    ----------
    files : iterable of Path
        Read as one text, but no block reaches over the end of a file. Empty lines are none.
    size : int
        Lines of a block; a longer one is found by each part of this length.

    Returns
    -------
    list of str
        ``file:line = file:line: its first line``, in the order of the second place.
    """
    places = defaultdict(list)
    for path in files:
        lines = [
            (number, line.strip())
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if line.strip()
        ]
        for start in range(len(lines) - size + 1):
            block = tuple(text for _number, text in lines[start : start + size])
            places[block].append(f"{path.name}:{lines[start][0]}")
    return [f"{' = '.join(where)}: {block[0]}" for block, where in places.items() if len(where) > 1]
