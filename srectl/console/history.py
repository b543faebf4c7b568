"""What the incidents of some days come to: each day, how many there were and who ended them."""

from __future__ import annotations

import datetime
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from srectl.operate.moments import moment
from srectl.operate.track_record import outcome

__all__ = ["days"]

Record = dict[str, Any]


def days(records: Sequence[Record], now: datetime.datetime, count: int = 7) -> list[dict[str, Any]]:
    """Count each local day: how many began, who ended them, and their median MTTR.

    Returns
    -------
    list of dict
        The oldest day first; ``share`` is the part of those that are over which runbooks ended,
        in percent, and None where none is over.
    """
    today = now.astimezone().date()
    by_day: dict[datetime.date, list[Record]] = defaultdict(list)
    for record in records:
        began = moment(record.get("timestamp"))
        if began:
            by_day[began.astimezone().date()].append(record)
    found = []
    for back in range(count - 1, -1, -1):
        day = today - datetime.timedelta(days=back)
        begun = by_day.get(day, [])
        by = Counter(outcome(each) for each in begun)
        over = by["automation"] + by["human"] + by["itself"]
        mttr = _mttr(begun)
        found.append(
            {
                "day": day.strftime("%a %d %b"),
                "begun": len(begun),
                **{each: by[each] for each in ("automation", "human", "itself", "open")},
                "share": round(100 * by["automation"] / over) if over else None,
                "mttr": statistics.median(mttr) if mttr else None,
            }
        )
    return found


def _mttr(records: Sequence[Record]) -> list[float]:
    return [
        each["mttr_seconds"]
        for each in records
        if isinstance(each.get("mttr_seconds"), int | float)
    ]
