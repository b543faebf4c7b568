"""The incidents of a span that is over or goes on, which several pages count from."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.console.overview import OPEN
from srectl.console.reading import Reading
from srectl.operate.moments import moment

__all__ = ["begun_within"]


def begun_within(
    reading: Reading, span: datetime.timedelta
) -> tuple[list[dict[str, Any]], bool, list[Any]]:
    """Read the incidents that began within a span, newest first.

    A query for each status, 2000 at most of what is over.

    Parameters
    ----------
    span
        One of :mod:`srectl.operate.spans`.

    Returns
    -------
    tuple
        The records; whether there may be more; what could not be read.
    """
    parts = reading.together(
        *(lambda status=status: reading.incidents(status) for status in OPEN),
        lambda: reading.ended(span),
    )
    since = reading.clock() - span
    records = [each for part in parts for each in (part.value.records if part.value else [])]
    recent = [each for each in records if (moment(each.get("timestamp")) or since) >= since]
    recent.sort(key=lambda each: str(each["timestamp"]), reverse=True)
    more = any(part.value.more for part in parts if part.value)
    return recent, more, [each for each in parts if each.problem]
