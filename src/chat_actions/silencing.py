"""Leaving one target alone: where that is offered, which target is meant, and for how long."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from typing import Any

from chat_actions.errors import ChatError, Refused
from chat_actions.leftovers import taken_in_hand
from chat_actions.ports import Record, Switch
from chat_actions.windows import (
    MOST_REASON,
    Contested,
    TooMany,
    Unreadable,
    Window,
    change,
)

#: How long a target is left alone, in seconds.
SILENCE_SECONDS = 3600


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


def silence(
    switch: Switch, target: str, person: str, now: datetime.datetime
) -> tuple[Window, bool]:
    """Have runbooks leave a target alone for an hour; one that is left alone already stays so.

    Parameters
    ----------
    switch
        The parameter with the windows.
    target
        ``namespace/name``, as runbooks lock it.
    person
        Who wants it.
    now
        The time, in UTC.

    Returns
    -------
    tuple
        The window, and whether it was not there before.

    Raises
    ------
    Refused
        The parameter holds something else, or no more.
    ChatError
        Others write it all the time.
    """
    end = now + datetime.timedelta(seconds=SILENCE_SECONDS)
    mine = Window(now, end, f"silenced in Slack by {person}"[:MOST_REASON], target)
    is_new = False

    def made(there: Sequence[Window]) -> Sequence[Window]:
        nonlocal is_new
        if _longest(there, target, now):
            return there
        is_new = True
        return [*there, mine]

    try:
        found = _longest(change(switch, made, now), target, now)
    except Unreadable:
        raise Refused(
            "The maintenance windows cannot be read, and until they can runbooks do nothing at "
            "all: 'srectl maintenance remove --all' empties them."
        ) from None
    except TooMany:
        raise Refused(
            "There are more maintenance windows than their parameter can hold: remove some first "
            "('srectl maintenance list')."
        ) from None
    except Contested as error:
        raise ChatError(f"{error}: {target} is not silenced") from error
    return found or mine, is_new


def _longest(windows: Sequence[Window], target: str, now: datetime.datetime) -> Window | None:
    """Find the window of a target that lasts longest of those that are open."""
    mine = [each for each in windows if each.target == target and each.is_open(now)]
    return max(mine, key=lambda each: each.end, default=None)


def _place(lock: Any) -> str:
    """Give what a window calls the object of a lock, target#cluster#namespace#kind#name."""
    parts = str(lock).split("#")
    return f"{parts[2]}/{parts[4]}" if len(parts) == 5 else ""
