"""What the next shift has to know, as plain values: for the command, and for assistants."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from srectl.console import story
from srectl.console.overview import overview
from srectl.console.reading import MOST, Reading
from srectl.operate.account import Account
from srectl.operate.incidents import climbed

__all__ = ["page"]


def page(
    account: Account, clock: Callable[[], datetime.datetime], *, most: int = MOST
) -> dict[str, Any]:
    """Read the page; what could not be read is said in it.

    Parameters
    ----------
    account
        The deployment.
    clock
        Gives the time.
    most
        Incidents at most that are looked at of each status that is not over, the newest.

    Raises
    ------
    CommandFailed
        Not even the mode can be read: the account or the prefix is another.
    """
    reading = Reading.of_what_is_there(account, clock, most=most)
    seen, own = overview(reading), reading.own_modes()
    being_undone = seen["being_undone"]

    def one(record: dict[str, Any]) -> dict[str, Any]:
        return _told(record, str(record["incident_id"]) in being_undone)

    return {
        "needs_somebody": [one(each) for each in seen["needs"]],
        "in_hand": [one(each) for each in seen["in_hand"]],
        "at_work": [
            {
                **one(each["record"]),
                "step": _step(each),
                "decided_by": _stamp(each["decided_by"]),
                "ends_by": _stamp(each["ends_by"]),
            }
            for each in seen["at_work"]
        ],
        "other_open": [one(each) for each in seen["others"]],
        "lent": [
            {
                **one(each["record"]),
                "steps": [f"{step.get('index')}. {step.get('action')}" for step in each["steps"]],
                "comes_back": each["back"],
                "by_itself": each["by_itself"],
                "not_before": _stamp(each["until"]),
            }
            for each in seen["lent"]
        ],
        "mode": seen["mode"].value,
        "runbooks_switched": dict(own.value or {}),
        "windows": [window.as_json() for window in seen["windows"]],
        "queues": {each.queue: each.waiting for each in seen["queues"].value or [] if each.waiting},
        "not_read": [
            problem
            for problem in (
                *(each.problem for each in seen["problems"]),
                seen["mode"].problem,
                own.problem,
                seen["windows_problem"],
                seen["queues"].problem,
            )
            if problem
        ],
        "more_than_shown": seen["more"],
    }


def _told(record: dict[str, Any], is_being_undone: bool) -> dict[str, Any]:
    undo = {"by": record.get("undo_asked_by"), "since": record.get("undo_asked_at")}
    return {
        key: record.get(key)
        for key in (
            "incident_id",
            "timestamp",
            "status",
            "severity",
            "alert_name",
            "target",
            "subject",
            "acknowledged_by",
            "acknowledged_because",
            "escalation_code",
            "escalation_reason",
            "escalated_at",
            "released_at",
            "restoration",
        )
    } | {
        "climbed": climbed(record),
        "asks": _question(record),
        "undo": undo if is_being_undone else None,
    }


def _question(record: dict[str, Any]) -> dict[str, Any] | None:
    """Give what a runbook asks about it, and until when an answer counts."""
    if not story.is_asked(record):
        return None
    asked = record["approval"]
    until = _stamp(story.deadline(record))
    return {"runbook": asked.get("runbook"), "step": asked.get("step"), "until": until}


def _step(at_work: dict[str, Any]) -> str:
    """Say what is done; one that has just begun or follows another has no step yet."""
    if "index" not in at_work:
        return str(at_work["what"])
    return f"{at_work['index']}. {at_work['action']} {at_work['what']}"


def _stamp(at: datetime.datetime | None) -> str | None:
    return at.astimezone(datetime.UTC).isoformat() if at else None
