"""By when the step that an incident is at has come to its end, or is given up.

A runbook holds its locks for as long as all of its steps may take with every wait, which says
little to whoever is awake. A step is given up after ActionTimeoutSeconds; what it did is looked at
for StabilizationSeconds and its ``verify_seconds``. The record has these as the stack had them when
the runbook began.
"""

from __future__ import annotations

import datetime
from typing import Any

from srectl.operate.incidents import at_work, opened
from srectl.operate.moments import moment
from srectl.operate.unanswered import unanswered

__all__ = ["decided_by"]

_DONE = frozenset({"succeeded", "skipped"})


def decided_by(
    record: dict[str, Any], now: datetime.datetime, since: datetime.datetime | None = None
) -> datetime.datetime | None:
    """Give the moment by which the step at hand is done or given up, or has helped or not.

    Parameters
    ----------
    record
        As :func:`srectl.operate.incidents.read` gives it.
    now
        The time.
    since
        When the step that is under way began, where that was asked; else it is taken from what the
        record has of the steps before it.

    Returns
    -------
    datetime or None
        None where no runbook is at work, or its record is of before these times were kept.
    """
    hand = opened(record.get("in_hand"))
    kept = hand.get("seconds") if at_work(record) and isinstance(hand, dict) else None
    began = moment(hand.get("since")) if isinstance(kept, dict) else None
    if not isinstance(kept, dict) or began is None:
        return None
    acting = _seconds(kept.get("action"))
    asked, answered = _question(record, began)
    if asked is not None:
        return asked
    last = max(_ended(record, began), key=lambda each: each[0], default=None)
    if since is not None:
        return max(filter(None, (since, answered))) + acting
    if last is None or (answered is not None and answered > last[0]):
        return (answered or began) + acting
    ended, action = last
    index = int((action.get("step") or {}).get("index") or 1)
    looks = hand.get("strategy") == "ladder" or index >= int(hand.get("of") or 1)
    if not looks or action.get("operation") != "execute" or action.get("status") not in _DONE:
        return ended + acting
    seen = ended + _seconds(kept.get("settle")) + _seconds(_verify(hand, index, kept))
    if now <= seen:
        return seen
    heard = seen + _seconds(kept.get("heard"))
    return heard if now <= heard or index >= int(hand.get("of") or 1) else heard + acting


def _question(
    record: dict[str, Any], began: datetime.datetime
) -> tuple[datetime.datetime | None, datetime.datetime | None]:
    """Give until when an answer counts where one is waited for, and when the last one came."""
    approval = record.get("approval")
    if not isinstance(approval, dict) or (moment(approval.get("requested_at")) or began) < began:
        return None, None
    if approval.get("answer"):
        return None, moment(approval.get("answered_at"))
    if not unanswered(record):  # it counted without its note
        return None, moment(record.get("begun_at"))
    return moment(approval.get("until")), None


def _ended(
    record: dict[str, Any], began: datetime.datetime
) -> list[tuple[datetime.datetime, dict[str, Any]]]:
    found = [
        (moment(each.get("completed_at")), each)
        for each in record.get("actions_taken") or []
        if each.get("operation") in ("execute", "undo")
    ]
    return [(at, each) for at, each in found if at is not None and at >= began]


def _verify(hand: dict[str, Any], index: int, kept: dict[str, Any]) -> Any:
    own = [each for each in hand.get("steps") or [] if each.get("index") == index]
    return (own[0] if own else {}).get("verify_seconds") or kept.get("verify")


def _seconds(value: Any) -> datetime.timedelta:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return datetime.timedelta(seconds=float(value) if known else 0)
