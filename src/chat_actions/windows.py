"""The maintenance windows, as the parameter that every runbook reads before it acts holds them.

The operator's tool and the function behind the buttons have this one file, so that they read and
write the same. What runbooks cannot read counts as a reason to do nothing, so nothing but windows
is ever written, and those of others stay. It imports nothing of either.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

#: Size of a standard parameter (quotas of AWS Systems Manager), and characters of a reason.
MOST_CHARACTERS, MOST_REASON = 4096, 200
_WRITES = 3


class Parameter(Protocol):
    """The parameter with the windows."""

    def read(self) -> str:
        """Give what it holds."""

    def write(self, text: str) -> None:
        """Have it hold something else."""


class Unreadable(Exception):
    """It holds anything but windows."""


class TooMany(Exception):
    """It can hold no more.

    Attributes
    ----------
    count, characters
        How many windows there would be, and how long they are.
    """

    def __init__(self, count: int, characters: int) -> None:
        super().__init__(f"{count} windows have {characters} of {MOST_CHARACTERS} characters")
        self.count, self.characters = count, characters


class Contested(Exception):
    """Others write it all the time."""


@dataclass(frozen=True, order=True)
class Window:
    """A time in which runbooks leave everything, or one target, alone.

    Attributes
    ----------
    start, end
        Moments with a time zone; the end does not belong to it.
    reason
        What on-call reads when a runbook did nothing.
    target
        ``namespace/name``, or ``/name`` of what has no namespace: only that object is left alone,
        whatever an alert calls it; empty: everything.
    """

    start: datetime.datetime
    end: datetime.datetime
    reason: str
    target: str = ""

    def as_json(self) -> dict[str, str]:
        """Give it as the state machine reads it."""
        only = {"target": self.target} if self.target else {}
        return {
            "start": written(self.start),
            "end": written(self.end),
            "reason": self.reason,
            **only,
        }

    def is_open(self, at: datetime.datetime) -> bool:
        """Say whether it holds at a moment."""
        return self.start <= at < self.end

    @property
    def held(self) -> str:
        """What it leaves alone, in words; empty where that is everything."""
        return held(self.target)


def held(target: str) -> str:
    """Name what a window of a target leaves alone.

    Examples
    --------
    >>> held("apps/checkout"), held("/ip-10-0-1-2.ec2.internal"), held("")
    ('apps/checkout', 'node ip-10-0-1-2.ec2.internal', '')
    """
    return f"node {target[1:]}" if target.startswith("/") else target


def read_windows(text: str) -> list[Window]:
    """Read what the parameter holds; the earliest window comes first.

    Raises
    ------
    Unreadable
        It holds anything but windows.
    """
    try:
        found = json.loads(text)
        if not isinstance(found, list):
            raise Unreadable("it is no list")
        return sorted(_window(each) for each in found)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def change(
    parameter: Parameter,
    made: Callable[[Sequence[Window]], Iterable[Window]],
    now: datetime.datetime,
) -> list[Window]:
    """Change the windows, and drop those that are past.

    Two who write at the same moment would undo each other unnoticed, so what was written is read
    again, and made again where it is not there.

    Parameters
    ----------
    made
        Makes the windows there are to be of those there are; of its own outcome it makes the same.
    now
        The time, in UTC.

    Returns
    -------
    list of Window
        Those that are there now.

    Raises
    ------
    Unreadable
        The parameter holds anything but windows, and is left as it is.
    TooMany
        It cannot hold them.
    Contested
        Others write it all the time.
    """
    for attempt in range(_WRITES + 1):
        there = read_windows(parameter.read())
        wanted = _kept(made(there), now)
        if wanted == _kept(there, now):
            return wanted
        if attempt < _WRITES:
            parameter.write(_text(wanted))
    raise Contested("others write the maintenance windows all the time")


def written(at: datetime.datetime) -> str:
    """Write a moment as the parameter has it: in UTC, to the second."""
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _kept(windows: Iterable[Window], now: datetime.datetime) -> list[Window]:
    # To the second, as it is read again.
    return sorted({_window(each.as_json()) for each in windows if each.end > now})


def _text(windows: Sequence[Window]) -> str:
    text = json.dumps([each.as_json() for each in windows])
    if len(text) > MOST_CHARACTERS:
        raise TooMany(len(windows), len(text))
    return text


def _window(given: Mapping[str, Any]) -> Window:
    # What names no object holds everything, as for the machine.
    target = given.get("target")
    named = target if isinstance(target, str) and "/" in target else ""
    return Window(_moment(given["start"]), _moment(given["end"]), str(given["reason"]), named)


def _moment(text: str) -> datetime.datetime:
    found = datetime.datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found
