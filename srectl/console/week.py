"""The incidents of seven days, which several pages count from."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.console.overview import OPEN
from srectl.console.reading import Reading
from srectl.operate.moments import moment

__all__ = ["week"]


def week(reading: Reading) -> tuple[list[dict[str, Any]], bool, list[Any]]:
    """Read the incidents of seven days: a query for each status, 2000 at most of what is over."""
    parts = reading.together(
        *(lambda status=status: reading.incidents(status) for status in OPEN), reading.week
    )
    since = reading.clock() - datetime.timedelta(days=7)
    records = [each for part in parts for each in (part.value.records if part.value else [])]
    recent = [each for each in records if (moment(each.get("timestamp")) or since) >= since]
    recent.sort(key=lambda each: str(each["timestamp"]), reverse=True)
    more = any(part.value.more for part in parts if part.value)
    return recent, more, [each for each in parts if each.problem]
