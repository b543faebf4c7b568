"""What a record says about itself, in the few facts that a person on call looks for."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.operate.incidents import at_work
from srectl.operate.leftovers import left
from srectl.operate.moments import moment
from srectl.operate.track_record import in_hand
from srectl.operate.unanswered import unanswered
from srectl.operate.urgency import SEVERITIES, severity_rank

__all__ = [
    "SEVERITIES",
    "deadline",
    "is_a_humans",
    "is_asked",
    "is_in_hand",
    "lends",
    "needs_somebody",
    "rank",
    "step_asked",
    "step_now",
    "urgency",
]

_DONE = ("succeeded", "skipped")


def urgency(record: dict[str, Any]) -> tuple[bool, int, str]:
    """Order what needs somebody: a question first, for its time runs out; then as :func:`rank`."""
    return (not is_asked(record), *rank(record))


def rank(record: dict[str, Any]) -> tuple[int, str]:
    """Order incidents: the worst first, and of these the oldest."""
    return severity_rank(record), str(record.get("timestamp"))


def is_asked(record: dict[str, Any]) -> bool:
    """Say whether a runbook waits for an answer about it."""
    approval = unanswered(record)
    return bool(approval and approval.get("token")) and at_work(record)


def is_a_humans(record: dict[str, Any]) -> bool:
    """Say whether it goes on only by a person: one that has it in hand, or one that is needed."""
    if record.get("wakes") is False and not is_asked(record):
        return False
    return is_asked(record) or (record.get("status") == "escalated" and not at_work(record))


def needs_somebody(record: dict[str, Any]) -> bool:
    """Say whether a person is needed: nobody has it in hand, or a runbook asks about it."""
    return is_a_humans(record) and (is_asked(record) or not record.get("acknowledged_by"))


def is_in_hand(record: dict[str, Any]) -> bool:
    """Say whether it waits for whoever has it in hand, and for nobody else."""
    return is_a_humans(record) and not needs_somebody(record)


def deadline(record: dict[str, Any]) -> datetime.datetime | None:
    """Give the time until when an approval is waited for; None where that is not known."""
    approval = record.get("approval") or {}
    said = moment(approval.get("until"))
    if said:
        return said
    # Of a question by a version that did not say so.
    at = moment(approval.get("requested_at"))
    for step in in_hand(record).get("steps", []):
        seconds = (step.get("approval") or {}).get("timeout_seconds")
        if at and step.get("index") == int(approval.get("step") or 1) and seconds:
            return at + datetime.timedelta(seconds=int(seconds))
    return None


def step_asked(record: dict[str, Any]) -> dict[str, Any]:
    """Say about which step of its runbook one asks: what it would do, and to what.

    Returns
    -------
    dict
        ``index`` and ``of``, ``action`` and ``target``; the last two None where the record does
        not have that step.
    """
    hand = in_hand(record)
    steps = hand.get("steps")
    known = [each for each in steps if isinstance(each, dict)] if isinstance(steps, list) else []
    index = record["approval"].get("step") or 1  # those of before had one step
    step = next((each for each in known if each.get("index") == index), {})
    return {
        "index": index,
        "of": hand.get("of") or len(known),
        "action": step.get("action"),
        "target": step.get("target"),
    }


def step_now(record: dict[str, Any]) -> dict[str, Any]:
    """Say which step of its runbook an incident is at, and what that waits for."""
    hand = in_hand(record)
    steps = hand.get("steps") or []
    if not steps:
        joined = record.get("attached_to")
        return {"what": f"follows the remediation of {str(joined)[:8]}" if joined else "begins"}
    told = [
        each
        for each in record.get("actions_taken") or []
        if isinstance(each.get("step"), dict) and each.get("operation") in ("execute", "undo")
    ]
    last = told[-1] if told else None
    at = int(last["step"].get("index", 1)) if last else 0
    if is_asked(record):
        at, what = int(record["approval"].get("step") or 1), "asks whether to go on"
    elif last and last["operation"] == "undo":
        what = "is taken back"
    elif last and last.get("status") in _DONE and at >= len(steps):
        what = "is done; whether it helped is looked at"
    elif last and last.get("status") in _DONE:
        what = "is done; what comes next is decided"
    elif last and last.get("status") == "failed" and at >= len(steps):
        # Nothing comes after it: from here on things are taken back, or a human is called.
        what = "has failed; what was done is taken back, unless it is to stay"
    else:
        at, what = min(at + 1, len(steps)), "is under way"
    step = steps[max(at, 1) - 1]
    return {
        "what": what,
        "index": at,
        "of": hand.get("of") or len(steps),
        "name": step.get("name"),
        "action": step.get("action"),
        "target": step.get("target"),
        "runbook": hand.get("runbook"),
        "since": (last or {}).get("completed_at") or record.get("received_at"),
    }


def lends(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the steps whose change stands for a time, and has not been brought back."""
    if str(record.get("restoration") or "").startswith("restored"):
        return []
    changed = {
        (each.get("step") or {}).get("index")
        for each in record.get("actions_taken") or []
        if each.get("operation") == "execute" and each.get("status") == "succeeded"
    }
    steps = [each["step"] for each in left(record)]
    return [each for each in steps if each.get("lends") and each.get("index") in changed]
