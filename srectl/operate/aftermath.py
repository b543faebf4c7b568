"""What stands of a remediation that has ended: nothing, something for a time, or for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from srectl.operate.incidents import at_work
from srectl.operate.leftovers import has_begun, left, state_of, taken_in_hand
from srectl.operate.moments import moment
from srectl.operate.unanswered import unanswered

__all__ = ["TakenBack", "comes_back", "return_of", "standing_of", "still_changed", "taken_back"]
__all__ += ["BEGUN", "UNDER_WAY", "untouched"]

#: How far a step had come, by its record (:func:`standing_of`).
BEGUN, UNDER_WAY = "begun, its end is not on record", "under way when it was stopped"
NOT_BEGUN, WAITED, CHANGED_NOTHING = (
    "not on record as begun",
    "waited for an answer",
    "changed nothing",
)


def untouched(record: dict[str, Any]) -> str:
    """Say why a runbook that was stopped had changed nothing, as far as its record knows.

    An answer counts before it is on the record, and a step before its end is: so this is for what
    people are told, and no ground for refusing to take something back.

    Parameters
    ----------
    record
        As :func:`srectl.operate.incidents.read` gives it.

    Returns
    -------
    str
        In words; empty where it may have changed something.
    """
    if not taken_in_hand(record):
        joined = record.get("attached_to")
        if joined:
            return f"it had only joined the remediation of incident {joined}"
        return "it had nothing in hand yet"
    if not has_begun(record):
        return "it had not begun to act"
    asked = unanswered(record)
    if asked and int(asked.get("step") or 1) == 1:
        done = [each.get("operation") for each in record.get("actions_taken") or []]
        return "" if "execute" in done else "it only waited for an answer"
    return ""


@dataclass(frozen=True)
class TakenBack:
    """What became of one step that was asked to be taken back.

    Attributes
    ----------
    step
        As its runbook resolved it.
    known
        How far it had come by the record, as :func:`standing_of` says it; empty for done.
    is_back
        Whether it was taken back; not where nothing of it was there, or it stays as it is.
    why_not
        Then why, ready to be printed after a colon.
    """

    step: dict[str, Any]
    known: str
    is_back: bool
    why_not: str

    @property
    def was_done(self) -> bool:
        """Whether it may have changed something; not where the record names no beginning."""
        return self.known not in (NOT_BEGUN, WAITED, CHANGED_NOTHING)


def taken_back(before: dict[str, Any], after: dict[str, Any]) -> list[TakenBack]:
    """Say of each step that was left what became of it, newest first.

    Parameters
    ----------
    before, after
        The record as it was when that was asked for, and as it is.
    """
    last = {
        (each.get("step") or {}).get("index"): each
        for each in after.get("actions_taken") or []
        if each.get("operation") in ("undo", "restore")
    }
    found = []
    for step in [each["step"] for each in left(before)]:
        action = last.get(step.get("index"), {})
        why = str(action.get("summary") or "its record does not tell yet what became of it")
        is_back = action.get("status") == "succeeded"
        found.append(TakenBack(step, standing_of(before, step), is_back, why))
    return found


def standing_of(record: dict[str, Any], step: dict[str, Any]) -> str:
    """Say how far a step had come by its record, where it is not on record as done.

    An answer, a beginning and an end may be on their way to the record.
    """
    index = step.get("index")
    tried = [
        str(each.get("status"))
        for each in record.get("actions_taken") or []
        if each.get("operation") == "execute" and (each.get("step") or {}).get("index") == index
    ]
    if tried:
        words = {
            "succeeded": "",
            "skipped": CHANGED_NOTHING,
            "failed": "failed, perhaps half-way",
        }
        return words.get(tried[-1], tried[-1])
    asked = unanswered(record)
    if asked and int(asked.get("step") or 1) == index:
        return WAITED
    execution = record.get("runbook_execution")
    for noted, at, known in (
        ("stopped_execution", "stopped_step", UNDER_WAY),
        ("begun", "begun_step", BEGUN),
    ):
        if execution and record.get(noted) == execution and record.get(at) == index:
            return known
    return NOT_BEGUN


def still_changed(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the steps that were done and can be taken back, and were not; oldest first."""
    done = {
        (each.get("step") or {}).get("index")
        for each in record.get("actions_taken") or []
        if each.get("operation") == "execute" and each.get("status") in ("succeeded", "failed")
    }
    return [
        each["step"]
        for each in reversed(left(record))
        if each["step"].get("index") in done and (each["step"].get("lends") or each["undo"])
    ]


def comes_back(record: dict[str, Any], step: dict[str, Any]) -> bool:
    """Say whether the platform takes a step back by itself once things have been quiet.

    It does of what is lent, where a runbook came to its own end with a healthy target; where it
    was stopped, has not helped, or bringing it back has failed, nobody does unless somebody says
    so.
    """
    healthy = record.get("verified_at") or record.get("escalation_code") == "end-not-heard"
    failed = {
        (each.get("step") or {}).get("index")
        for each in record.get("actions_taken") or []
        if each.get("operation") == "restore" and each.get("status") == "failed"
    }
    return bool(step.get("lends") and healthy and step.get("index") not in failed)


def return_of(record: dict[str, Any], steps: list[dict[str, Any]]) -> tuple[bool, str]:
    """Say what becomes of steps whose change stands for a time.

    Parameters
    ----------
    record
        As :func:`srectl.operate.incidents.read` gives it.
    steps
        Those of its steps that are lent and not taken back.

    Returns
    -------
    bool
        Whether the platform takes them back by itself.
    str
        The same in words: when, or who has to.
    """
    if record.get("restoration"):
        return False, f"noted of it: {record['restoration']}"
    if at_work(record):
        return True, "back with its incident's end, and what its runbook says of the time after"
    undo = f"'srectl undo {str(record.get('incident_id'))[:8]}'"
    if record.get("undo_asked_by") and record.get("undo_asked_of") == state_of(record):
        at = moment(record.get("undo_asked_at"))
        since = f" at {at:%Y-%m-%dT%H:%M:%SZ}" if at else ""
        return (
            False,
            f"{record['undo_asked_by']} asked for it back{since}: {undo} tells how far it is",
        )
    if not all(comes_back(record, each) for each in steps):
        return False, f"nobody brings it back by itself: {undo} does"
    if record.get("status") == "resolved":
        return True, "back once things have been quiet for a while"
    return True, "back once its alert's end is heard and things have been quiet for a while"
