"""Bars of a plot in the units of its drawing; the template draws them beside a table of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["HEIGHT", "WIDTH", "bars"]

WIDTH, HEIGHT = 560, 120
_GAP = 0.25  # of a bar's room


def bars(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[str], most: float | None = None
) -> list[dict[str, Any]]:
    """Give the rectangles of stacked bars.

    Parameters
    ----------
    rows
        One bar each.
    keys
        The values that are stacked, from below; what is None has no bar.
    most
        The value that fills the height; the largest sum by default.
    """
    sums = [sum(row[key] or 0 for key in keys) for row in rows]
    top = most or max(sums, default=0) or 1
    room = WIDTH / max(1, len(rows))
    found = []
    for at, row in enumerate(rows):
        below = 0.0
        for key in keys:
            tall = (row[key] or 0) / top * HEIGHT
            if tall:
                found.append(
                    {
                        "key": key,
                        "x": round(at * room + room * _GAP / 2, 1),
                        "y": round(HEIGHT - below - tall, 1),
                        "width": round(room * (1 - _GAP), 1),
                        "height": round(tall, 1),
                    }
                )
            below += tall
    return found
