"""Leaving one target alone: where that is offered, and which target is meant."""

from __future__ import annotations

import hashlib
from typing import Any

from chat_actions.errors import Refused
from chat_actions.leftovers import taken_in_hand
from chat_actions.ports import Record


def place_of(record: Record) -> str:
    """Give the target of a runbook's first step; empty where none is known.

    Returns
    -------
    str
        ``namespace/name``, by the one name that the object has: what the alert calls it may be
        another, and runbooks leave alone what they would lock.
    """
    in_hand = taken_in_hand(record)
    steps, locks = in_hand.get("steps"), in_hand.get("locks")
    first = steps[0] if isinstance(steps, list) and steps else None
    target = first.get("target") if isinstance(first, dict) else None
    if not isinstance(target, dict) or not target.get("name") or not isinstance(locks, list):
        return ""
    place = f"{target.get('namespace') or ''}/{target['name']}"
    return place if place in {_place(each) for each in locks} else ""


def mark_of(place: str) -> str:
    """Give what a button carries of a target."""
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def offered(record: Record) -> str:
    """Give which target a card offers to leave alone; empty for none."""
    return "" if record.get("status") == "resolved" else place_of(record)


def wanted(record: Record, mark: str) -> str:
    """Give which target a press means.

    Raises
    ------
    Refused
        There is none (any more), or it is another by now.
    """
    place = offered(record)
    if not place:
        raise Refused(
            "The incident is over, or no runbook has found its target: 'srectl maintenance add "
            "--target NAMESPACE/NAME' leaves one alone."
        )
    if mark_of(place) != mark:
        raise Refused("The target is another one by now: look at the card, and press that button.")
    return place


def _place(lock: Any) -> str:
    """Give what a window calls the object of a lock, target#cluster#namespace#kind#name."""
    parts = str(lock).split("#")
    return f"{parts[2]}/{parts[4]}" if len(parts) == 5 else ""
