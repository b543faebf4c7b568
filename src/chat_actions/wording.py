"""Texts as Slack takes them: what an alert says is shown, and does nothing."""

from __future__ import annotations

import re
from typing import Any

#: Most characters of a text of a section, and of a header (Slack's reference of Block Kit).
MOST_TEXT, MOST_HEADER = 3000, 150
# An entity that was cut.
_PART = re.compile(r"&[a-z]{0,3}\Z")
_CONTROL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+"
)


def escaped(text: Any, most: int = MOST_TEXT) -> str:
    """Give a text that calls nobody and hides no link, cut to what Slack takes.

    Parameters
    ----------
    text
        Anything; None is nothing.
    most
        How many characters the escaped text may have.

    Examples
    --------
    >>> escaped("<!channel> & more")
    '&lt;!channel&gt; &amp; more'
    >>> escaped("a<b<c", 6)
    'a&lt;…'
    """
    plain = _CONTROL.sub(" ", "" if text is None else str(text)).strip()
    found: list[str] = []
    length = 0
    for each in plain[: most + 1]:
        one = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(each, each)
        if length + len(one) > most:
            # Whole entities go until the mark fits.
            while found and length + 1 > most:
                length -= len(found.pop())
            return "".join(found) + "…"
        found.append(one)
        length += len(one)
    return "".join(found)


def line(text: Any, most: int = MOST_TEXT) -> str:
    """Give a text escaped and on one line."""
    return escaped(" ".join(("" if text is None else str(text)).split()), most)


def cut(safe: str, most: int) -> str:
    """Shorten a text that is escaped already; an entity goes as a whole."""
    return safe if len(safe) <= most else _PART.sub("", safe[: most - 1]) + "…"


def code(text: Any, most: int = 200) -> str:
    """Give a text for a line of a block of code, which it cannot end."""
    return line(text, most).replace("`", "'")


def duration(seconds: Any) -> str:
    """Give a time as people say it.

    Examples
    --------
    >>> [duration(each) for each in (12, 90, 3700, None)]
    ['12 s', '1 min 30 s', '1 h 1 min', '']
    """
    try:
        whole = max(0, round(float(seconds)))
    except (TypeError, ValueError):
        return ""
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
