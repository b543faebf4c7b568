"""Times as records have them."""

from __future__ import annotations

import datetime
from typing import Any

__all__ = ["moment"]


def moment(value: Any) -> datetime.datetime | None:
    """Read a time of a record: ISO 8601, or seconds since 1970; None where it is neither."""
    try:
        if isinstance(value, datetime.datetime):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.datetime.fromtimestamp(value, datetime.UTC)
        read = datetime.datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=datetime.UTC)
