"""The maintenance windows, of which a person on the list can open one of a single target.

What runbooks cannot read counts as a reason to do nothing, so nothing but windows is written, and
those of others stay as they are. The operator's tool reads and writes the same parameter.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

from chat_actions.errors import ChatError, Refused
from chat_actions.ports import Switch

#: How long a target is left alone, in seconds.
SILENCE_SECONDS = 3600
# Size of a standard parameter (quotas of AWS Systems Manager), and most of a reason, as srectl has.
_MOST_CHARACTERS, _MOST_REASON = 4096, 200
_ATTEMPTS = 3


@dataclass(frozen=True)
class Window:
    """A time in which runbooks leave one target alone.

    Attributes
    ----------
    end
        As the parameter has it, in UTC.
    reason
        What on-call reads when a runbook did nothing.
    is_new
        Whether it was not there before.
    """

    end: str
    reason: str
    is_new: bool


def silence(switch: Switch, target: str, person: str, now: datetime.datetime) -> Window:
    """Have runbooks leave a target alone for an hour; one that is left alone already stays so.

    Two who write at the same moment would undo each other unnoticed, so what was written is read
    again, and tried again where it is not there.

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

    Raises
    ------
    Refused
        The parameter holds something else, or no more.
    ChatError
        Others write it all the time.
    """
    is_new = False
    for _ in range(_ATTEMPTS):
        windows = _read(switch)
        there = _open(windows, target, now)
        if there:
            return Window(str(there["end"]), str(there["reason"]), is_new)
        _write(switch, [*windows, _window(target, person, now)], now)
        is_new = True
    there = _open(_read(switch), target, now)
    if there:
        return Window(str(there["end"]), str(there["reason"]), is_new)
    raise ChatError(f"others write the maintenance windows all the time: {target} is not silenced")


def _window(target: str, person: str, now: datetime.datetime) -> dict[str, str]:
    end = now + datetime.timedelta(seconds=SILENCE_SECONDS)
    reason = f"silenced in Slack by {person}"[:_MOST_REASON]
    return {"start": _written(now), "end": _written(end), "reason": reason, "target": target}


def _read(switch: Switch) -> list[dict[str, Any]]:
    try:
        windows = json.loads(switch.read())
        is_readable = isinstance(windows, list) and all(
            _moment(each["start"]) and _moment(each["end"]) and isinstance(each["reason"], str)
            for each in windows
        )
    except (ValueError, TypeError, KeyError):
        is_readable = False
    if not is_readable:
        raise Refused(
            "The maintenance windows cannot be read, and until they can runbooks do nothing at "
            "all: 'srectl maintenance remove --all' empties them."
        )
    return list(windows)


def _open(
    windows: list[dict[str, Any]], target: str, now: datetime.datetime
) -> dict[str, Any] | None:
    """Find the window of a target that lasts longest of those that are open."""
    found = [
        each
        for each in windows
        if each.get("target") == target and _moment(each["start"]) <= now < _moment(each["end"])
    ]
    return max(found, key=lambda each: _moment(each["end"]), default=None)


def _write(switch: Switch, windows: list[dict[str, Any]], now: datetime.datetime) -> None:
    text = json.dumps([each for each in windows if _moment(each["end"]) > now])
    if len(text) > _MOST_CHARACTERS:
        raise Refused(
            "There are more maintenance windows than their parameter can hold: remove some first "
            "('srectl maintenance list')."
        )
    switch.write(text)


def _moment(text: str) -> datetime.datetime:
    found = datetime.datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found


def _written(at: datetime.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
