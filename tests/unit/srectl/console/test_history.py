"""What incidents come to in numbers."""

from __future__ import annotations

import datetime
import json
from typing import Any

from srectl.console import history, plots

NOW = datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.UTC)


def incident(hours: float, **changes: Any) -> dict[str, Any]:
    began = NOW - datetime.timedelta(hours=hours)
    return {
        "timestamp": f"{began:%Y-%m-%dT%H:%M:%S}.000Z",
        "status": "resolved",
        "alert_name": "A",
        "actions_taken": [],
        **changes,
    }


def acted(*operations: str) -> dict[str, Any]:
    return {
        "in_hand": json.dumps({"runbook": "R", "steps": []}),
        "actions_taken": [
            {"operation": each, "status": "succeeded", "runbook": "R"} for each in operations
        ],
    }


def test_each_day_says_who_ended_what() -> None:
    rows = history.days(
        [
            incident(1, mttr_seconds=60, **acted("execute")),
            incident(2, mttr_seconds=120),
            incident(3, mttr_seconds=600, escalated_at="x", acknowledged_by="ada"),
            incident(3, status="open"),
            incident(30),
        ],
        NOW,
    )
    assert len(rows) == 7
    assert sum(each["begun"] for each in rows) == 5
    last = rows[-1]
    assert [last[each] for each in ("automation", "itself", "human", "open")] == [1, 1, 1, 1]
    assert (last["share"], last["mttr"]) == (33, 120)
    assert rows[0]["share"] is None


def test_bars_stand_on_each_other_and_within_the_drawing() -> None:
    rects = plots.bars([{"a": 1, "b": 3}, {"a": None, "b": 2}], ("a", "b"))
    assert [each["height"] for each in rects] == [30.0, 90.0, 60.0]
    assert rects[1]["y"] == 0
    assert all(each["x"] + each["width"] <= plots.WIDTH for each in rects)
