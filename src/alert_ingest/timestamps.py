"""Reading a sender's time stamps."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_rfc3339(text: str) -> datetime | None:
    """Read an RFC 3339 time stamp as Go writes it, in UTC; nanoseconds are cut to microseconds.

    Returns
    -------
    datetime or None
        None if there is no such moment (February 30th) or it is out of range.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_epoch_milliseconds(value: str | int) -> datetime | None:
    """Read milliseconds since 1970 in UTC; None if out of range."""
    try:
        seconds, milliseconds = divmod(int(value), 1000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def is_zero(moment: datetime) -> bool:
    """Tell whether this is Go's zero time, Alertmanager's way of writing "not yet"."""
    return moment.year == 1
