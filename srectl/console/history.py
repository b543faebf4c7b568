"""What the incidents of some days come to: each day, who ended them, each runbook's record."""

from __future__ import annotations

import datetime
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from srectl.console import story
from srectl.operate.moments import moment

__all__ = ["days", "runbook_records"]

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
        by = Counter(story.outcome(each) for each in begun)
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


def runbook_records(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Count what became of each runbook's remediations, by its name.

    ``saved`` is how many seconds sooner than usual the incidents were over which it ended: usual is
    the median MTTR of those of the same alert that a human ended; None where there is none of them.
    """
    usual: dict[str, list[float]] = defaultdict(list)
    for each in records:
        if story.outcome(each) == "human":
            usual[str(each.get("alert_name"))] += _mttr([each])
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        done = [
            each
            for each in record.get("actions_taken") or []
            if each.get("status") == "succeeded" and each.get("operation") in ("execute", "undo")
        ]
        if not any(each["operation"] == "execute" for each in done):
            continue
        name = str(story.in_hand(record).get("runbook") or done[0].get("runbook"))
        counted = found.setdefault(name, {"acted": 0, "helped": 0, "undone": 0, "saved": None})
        counted["acted"] += 1
        counted["undone"] += any(each["operation"] == "undo" for each in done)
        if story.outcome(record) != "automation":
            continue
        counted["helped"] += 1
        others, mine = usual[str(record.get("alert_name"))], _mttr([record])
        if others and mine:
            gained = max(0, statistics.median(others) - mine[0])
            counted["saved"] = (counted["saved"] or 0) + gained
    return found


def _mttr(records: Sequence[Record]) -> list[float]:
    return [
        each["mttr_seconds"]
        for each in records
        if isinstance(each.get("mttr_seconds"), int | float)
    ]
