"""Moments as people read them: in their own time, with UTC beside where that is another."""

from __future__ import annotations

import datetime

from srectl.commands.operating import now, safe

__all__ = ["clock", "moment_of", "when"]


def clock(at: datetime.datetime, now: datetime.datetime, seconds: bool = True) -> str:
    """Give a moment in the time of this machine, with UTC beside it where they differ.

    Parameters
    ----------
    at
        A moment with a time zone.
    now
        The time; a day is named where it is not today's.

    Returns
    -------
    str
        Such as ``21:48:09 CET (20:48:09 UTC)``, or ``20:48:09 UTC``.
    """
    try:
        here, utc = at.astimezone(), at.astimezone(datetime.UTC)
    except OverflowError:  # a window to the end of time, east of Greenwich
        return f"{at:%Y-%m-%d %H:%M:%S %Z}"
    time = "%H:%M:%S" if seconds else "%H:%M"
    day = "" if here.date() == now.astimezone().date() else "%Y-%m-%d "
    if here.utcoffset() == datetime.timedelta(0):
        return f"{utc:{day}{time}} UTC"
    other = "%Y-%m-%d " if day and here.date() != utc.date() else ""
    return f"{here:{day}{time} %Z} ({utc:{other}{time}} UTC)"


def moment_of(stamp: object) -> datetime.datetime | None:
    """Read a time of a record, ``2026-11-23T15:14:52.704Z``; None where it is none."""
    try:
        found = datetime.datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    return found if found.tzinfo else None


def when(stamp: object) -> str:
    """Give a time of a record as a terminal shows it; what is no time stays as it is."""
    at = stamp if isinstance(stamp, datetime.datetime) else moment_of(stamp)
    return safe(stamp) if at is None else clock(at, now())
