"""A small picture of numbers: lines, and where the alert began. No text, so nobody's text."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH, HEIGHT = 320, 80
Points = Sequence[tuple[float, float]]


def drawn(series: Sequence[Points], began: float) -> str:
    """Draw series as an SVG.

    Parameters
    ----------
    series
        Unix times and values; what is no finite number is left out.
    began
        Unix time of the beginning of the alert, drawn as a dashed line.

    Returns
    -------
    str
        Empty where there is nothing to draw.
    """
    lines = [[each for each in one if math.isfinite(each[1])] for one in series]
    every = [each for one in lines for each in one]
    if not every:
        return ""
    first, last = min(when for when, _ in every), max(when for when, _ in every)
    low, high = min(0.0, *(value for _, value in every)), max(value for _, value in every)

    def across(when: float) -> float:
        return (when - first) / ((last - first) or 1) * WIDTH

    def up(value: float) -> float:
        return HEIGHT - (value - low) / ((high - low) or 1) * HEIGHT

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}">'
    ]
    for one in filter(None, lines):
        path = " ".join(f"{across(when):.1f},{up(value):.1f}" for when, value in one)
        parts.append(f'<polyline points="{path}" fill="none" stroke="#c33" stroke-width="1.5"/>')
    if first <= began <= last:
        at = f"{across(began):.1f}"
        parts.append(
            f'<line x1="{at}" y1="0" x2="{at}" y2="{HEIGHT}" stroke="#333" stroke-dasharray="3"/>'
        )
    return "".join((*parts, "</svg>"))
