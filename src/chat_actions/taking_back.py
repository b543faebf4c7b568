"""Taking back what a runbook left: where that is offered, and what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat_actions.errors import Refused
from chat_actions.leftovers import left, request_of, state_of
from chat_actions.ports import Record
from chat_actions.question import at_work

_AT_REST = ("escalated", "resolved")


@dataclass(frozen=True)
class Leftovers:
    """What is left of a runbook on which nobody works.

    Attributes
    ----------
    state
        Hash of it, for a button to carry; as long as nothing else is left it stays.
    steps
        What would be taken back, newest first, each in words.
    asked_by, asked_at
        Who has asked for just that already; empty where nobody has.
    request
        What ``incident-restorer`` is given.
    """

    state: str
    steps: list[str]
    asked_by: str
    asked_at: str
    request: Mapping[str, Any]


def leftovers(record: Record) -> Leftovers:
    """Give what can be taken back.

    Raises
    ------
    Refused
        A runbook works on it, or nothing is left; it says which.
    """
    if at_work(record) or record.get("status") not in _AT_REST:
        raise Refused(
            f"The incident is {record.get('status', 'not on record')}: its runbook works on it, "
            "and takes back itself what does not help."
        )
    stack = left(record)
    if not stack:
        raise Refused("Nothing is left to be taken back.")
    state = state_of(record)
    is_asked_for = record.get("undo_asked_of") == state
    return Leftovers(
        state,
        [_words(each["step"]) for each in stack],
        str(record.get("undo_asked_by")) if is_asked_for else "",
        str(record.get("undo_asked_at")) if is_asked_for else "",
        request_of(record),
    )


def offered(record: Record) -> Leftovers | None:
    """Give what a card offers to take back; None where there is nothing, or it is asked for."""
    try:
        found = leftovers(record)
    except Refused:
        return None
    return None if found.asked_by else found


def _words(step: Mapping[str, Any]) -> str:
    target = step.get("target")
    parts = [target.get(key) for key in ("namespace", "name")] if isinstance(target, dict) else []
    place = "/".join(str(each) for each in parts if each)
    return f"{step.get('index')}. {step.get('action')}" + (f" on {place}" if place else "")
