"""How findings are worded: plain, short, on one line."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

from runbook_action.evidence.redaction import redact_text

SENTENCE = 240  # characters of a finding
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_BLANKS = re.compile(r"\s+")
_DIGEST = 12  # characters of an image's digest that are shown


def plain(text: object, most: int = SENTENCE) -> str:
    """Make one line of others' text: no control or turned characters, no secrets, not too long.

    Examples
    --------
    >>> plain("Back-off\\tpulling  image\\n", 40)
    'Back-off pulling image'
    """
    # First of all: some secrets have several lines, and what nobody sees may count as a blank.
    line = _BLANKS.sub(" ", redact_text(str(text))).strip()
    if not line.isprintable():
        # Again, as a character that has no sign here may have stood inside of a secret.
        line = redact_text("".join(each for each in line if unicodedata.category(each)[0] != "C"))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def image_of(image: str) -> str:
    """Give an image as people say it: without its registry and the most of a digest.

    Examples
    --------
    >>> image_of("registry.example.com:5000/team/checkout:1.4.3")
    'checkout:1.4.3'
    """
    name = image.rpartition("/")[2]
    head, at, digest = name.partition("@")
    if not at:
        return plain(name, 100)
    kept = digest.removeprefix("sha256:")[:_DIGEST]
    return plain(head if ":" in head else f"{head}@{kept}", 100)


def long(span: timedelta) -> str:
    """Say how long a time is, in its largest unit.

    Examples
    --------
    >>> long(timedelta(seconds=250))
    '4 minutes'
    """
    seconds = max(0, int(span.total_seconds()))
    for size, unit in _UNITS:
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "0 seconds"


def relative(moment: datetime, to: datetime) -> str:
    """Say where a moment is to the beginning of an alert: ``4 minutes before the alert``."""
    if moment <= to:
        return f"{long(to - moment)} before the alert"
    return f"{long(moment - to)} after the alert began"


def last_seen(moment: datetime, began: datetime) -> str:
    """Say when something was so for the last time, as the end of what is said of it.

    Parameters
    ----------
    began
        When the alert began.
    """
    return f", last {relative(moment, began)}"


def counted(count: int, of: int, what: str = "pod") -> str:
    """Count objects of a whole: ``3 of 3 pods``; ``the pod`` where there is but one."""
    return f"the {what}" if of == 1 else f"{count} of {of} {what}s"
