"""Durations as Prometheus writes them: ``30s``, ``1m``, ``1h30m``, ``250ms``."""

from __future__ import annotations

import re

__all__ = ["DURATION", "divide", "format_duration", "parse_duration"]

_MILLISECONDS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
"""Regular expression of a duration."""


def parse_duration(text: str) -> int:
    """Give a duration in milliseconds.

    Raises
    ------
    ValueError
        It is none.
    """
    if not re.fullmatch(DURATION, text):
        raise ValueError(f"not a duration as Prometheus writes it (30s, 1m, 1h30m): {text!r}")
    return sum(int(count) * _MILLISECONDS[unit] for count, unit in _PART.findall(text))


def format_duration(milliseconds: float) -> str:
    """Write a duration, rounded to milliseconds and never zero unless it is."""
    whole = max(round(milliseconds), 1) if milliseconds else 0
    return f"{whole // 1000}s" if whole % 1000 == 0 else f"{whole}ms"


def divide(text: str, factor: float) -> str:
    """Make a duration shorter; a factor of 1 leaves the text as it stands.

    Parameters
    ----------
    text : str
        The duration.
    factor : float
        What to divide by.

    Raises
    ------
    ValueError
        It is no duration.
    """
    milliseconds = parse_duration(text)
    return text if factor == 1 else format_duration(milliseconds / factor)
