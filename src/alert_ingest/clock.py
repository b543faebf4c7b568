"""Reading a sender's time stamps."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_rfc3339(text: str) -> datetime | None:
    """Read an RFC 3339 time stamp as Go writes it, in UTC and cut to milliseconds.

    Milliseconds because the incident's identity contains this moment: every reader, with whatever
    precision, must arrive at the same one.

    Returns
    -------
    datetime or None
        None if there is no such moment (February 30th) or it is out of range.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


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
