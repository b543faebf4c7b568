"""Text of others on a terminal: one line, and nothing that drives it."""

from __future__ import annotations

import re

__all__ = ["one_line"]

# Line ends and what drives a terminal: an alert's text must not move the cursor or fake a line.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def one_line(value: object) -> str:
    """Give any value as one line without control characters; nothing is a dash."""
    return _CONTROL.sub(" ", "—" if value is None else str(value))
