"""How the pages write what stands in a record: times, ages, targets; and text that is only text."""

from __future__ import annotations

import datetime
import re
from typing import Any

from jinja2 import Undefined

from srectl.operate.moments import moment

__all__ = ["NOTHING", "age", "clean", "duration", "link", "place", "short", "stamps", "whereabouts"]

NOTHING = "—"
# What is no letter and changes how others are shown: controls, and what turns the line around.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def clean(value: Any) -> Any:
    """Give what a page shows of any value: nothing that drives a screen, and a dash for nothing.

    It is not what keeps text from being markup: that is done by Jinja for every value.
    """
    if value is None or isinstance(value, Undefined):
        return NOTHING
    if type(value) is str:
        return _CONTROL.sub("�", value) if value else NOTHING
    return value


def duration(seconds: Any) -> str:
    """Write a time span in at most two units.

    Examples
    --------
    >>> [duration(each) for each in (12, 75, 3600, 100000)]
    ['12 s', '1 min 15 s', '1 h', '1 d 3 h']
    """
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return NOTHING
    left = max(0, round(seconds))
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2]) or "0 s"


def age(value: Any, now: datetime.datetime) -> str:
    """Say how long ago a time is, or how long it is until then."""
    at = moment(value)
    if at is None:
        return NOTHING
    seconds = (now - at).total_seconds()
    if abs(seconds) < 1:
        return "now"
    # Minutes do for what is older: nobody counts its seconds.
    told = duration(abs(seconds) if abs(seconds) < 300 else abs(seconds) // 60 * 60)
    return f"{told} ago" if seconds > 0 else f"in {told}"


def stamps(value: Any, now: datetime.datetime) -> dict[str, str] | None:
    """Give a time in the local zone and in UTC, with the day where it is not today's.

    Where the two are the same ``zone`` says so, and it is written once.
    """
    at = moment(value)
    if at is None:
        return None
    here = at.astimezone()
    utc = at.astimezone(datetime.UTC)
    today = here.date() == now.astimezone().date()
    return {
        "iso": utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "local": here.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S"),
        "zone": "" if here.utcoffset() else " UTC",
        "utc": utc.strftime("%H:%M:%S" if utc.date() == here.date() else "%Y-%m-%d %H:%M:%S"),
        "age": age(at, now),
        "seconds": str(round(at.timestamp())),
    }


def place(target: Any, *, whole: bool = False) -> str:
    """Name a target: namespace and name, or with cluster and kind."""
    if not isinstance(target, dict):
        return NOTHING
    keys = ("cluster", "namespace", "kind", "name") if whole else ("namespace", "name")
    return "/".join(str(target[key]) for key in keys if target.get(key)) or NOTHING


def whereabouts(record: Any) -> str:
    """Name what an incident is about: what its alert's labels name, or else its target."""
    return str(record.get("subject") or "") or place(record.get("target"))


def short(identity: Any) -> str:
    """Give the beginning of an id that people say to each other; the address has the whole."""
    return str(identity)[:8]


def link(address: Any) -> str:
    """Give an address that may be followed: of the web; empty for all else."""
    text = str(address)
    return text if re.match(r"https?://[^\s\\]+\Z", text) else ""
