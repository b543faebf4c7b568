"""What stands of a remediation that has ended: nothing, something for a time, or for good."""

from __future__ import annotations

from typing import Any

from srectl.operate.leftovers import left, taken_in_hand

__all__ = ["comes_back", "still_changed", "untouched"]


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
    approval = record.get("approval")
    if not isinstance(approval, dict) or not approval.get("requested_at"):
        return ""
    if not approval.get("answer") and int(approval.get("step") or 1) == 1:
        done = [each.get("operation") for each in record.get("actions_taken") or []]
        return "" if "execute" in done else "it only waited for an answer"
    return ""


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
    was stopped, or has not helped, nobody does unless somebody says so.
    """
    healthy = record.get("verified_at") or record.get("escalation_code") == "end-not-heard"
    return bool(step.get("lends") and healthy)
