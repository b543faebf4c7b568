"""The switches that every runbook reads before it acts: modes, and the maintenance windows.

What a runbook cannot read counts as "off", so nothing invalid is ever written here.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.one_line import one_line
from srectl.operate.reasons import kept
from srectl.operate.refusals import calling
from srectl.operate.windows import (
    MOST_CHARACTERS,
    MOST_REASON,
    Contested,
    TooMany,
    Unreadable,
    Window,
    change,
    held,
    read_windows,
    written,
)

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

__all__ = [
    "MODES",
    "MOST_REASON",
    "OWN_MODES",
    "Window",
    "add_window",
    "described",
    "held",
    "moment",
    "read_mode",
    "read_own_modes",
    "reason_for_all",
    "reasons_by_target",
    "remove_all_windows",
    "remove_window",
    "remove_windows",
    "set_mode",
    "set_own_mode",
    "target_of",
    "windows",
    "written",
]

MODES = ("on", "observe", "off")
#: Of one runbook, each more careful than the one before.
OWN_MODES = ("on", "ask", "observe")
_NO_REASON = "no reason given"
_PUT_BACK = "put back: somebody has switched it at the same moment"
_MOST_TRIES = 5
_MAX_TARGET = 300
# As Kubernetes names what it has: a DNS subdomain, in a namespace that is a DNS label.
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_TARGET = re.compile(rf"({_LABEL}/)?{_LABEL}(\.{_LABEL})*")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z")


def read_mode(client: SSMClient, parameter: str) -> str:
    """Give the mode.

    Raises
    ------
    CommandFailed
        The parameter cannot be read.
    """
    return _read(client, parameter)


def set_mode(client: SSMClient, parameter: str, mode: str, shown: str | None = None) -> str:
    """Set the mode.

    Parameters
    ----------
    shown
        The mode that whoever decides was shown; None: he named none. What is more careful than
        what is there is never too late; for anything else it must be that mode still.

    Returns
    -------
    str
        The mode before.

    Raises
    ------
    CommandFailed
        There is no such mode, somebody has switched it meanwhile, or the parameter cannot be read
        or written.
    """
    if mode not in MODES:
        raise CommandFailed(f"{mode!r} is no mode", f"modes are {', '.join(MODES)}")
    before = _read(client, parameter)  # a mistyped prefix must not make a parameter of its own
    careful = before in MODES and MODES.index(mode) >= MODES.index(before)
    if shown not in (None, before) and not careful:
        raise CommandFailed(
            f"automatic remediation was not switched: somebody has switched it meanwhile, and it "
            f"is {before} now",
            "look at it here and say it again",
        )
    _write(client, parameter, mode)
    return before


def read_own_modes(client: SSMClient, parameter: str) -> Mapping[str, str]:
    """Give the modes that single runbooks were switched to, by name.

    Raises
    ------
    CommandFailed
        The parameter cannot be read, or holds anything but such modes.
    """
    return _own_modes(parameter, _read(client, parameter))


def _own_modes(parameter: str, text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text)
        if isinstance(found, dict) and all(each in OWN_MODES for each in found.values()):
            return found
        fault = f"it holds {text[:80]}"
    except ValueError as error:
        fault = str(error)
    raise CommandFailed(
        f"parameter {parameter} does not hold the modes of runbooks ({fault}); until it does, "
        "runbooks observe or do nothing",
        f"write {{}} into it ('aws ssm put-parameter --name {parameter} --overwrite --value "
        "'{}''): then each has the mode that it was published with",
    )


def set_own_mode(
    client: SSMClient, parameter: str, runbook: str, mode: str, because: str = ""
) -> None:
    """Switch one runbook.

    Why stands beside who in the history of the parameter, as the description of this version. The
    parameter has no conditional write: two who write at the same moment write over each other. By
    the number of the version that was written it is known that somebody was between, and what he
    switched is put back in; of one runbook the more careful of the two is.

    Raises
    ------
    CommandFailed
        There is no such mode, no more fits into the parameter, it cannot be read or written, or
        somebody has switched the same runbook at the same moment to what is more careful.
    """
    if mode not in OWN_MODES:
        raise CommandFailed(f"{mode!r} is no mode", f"modes are {', '.join(OWN_MODES)}")
    before, version = _versioned(client, parameter)
    mine = {runbook: mode}
    for _ in range(_MOST_TRIES):
        said = _describe(runbook, mine[runbook], because if mine[runbook] == mode else _PUT_BACK)
        made = _write(client, parameter, _fitting(parameter, {**before, **mine}), said)
        if made == version + 1:
            break
        # What stood there when it was written over: whatever others have done since it was read.
        theirs, _ = _versioned(client, parameter, made - 1)
        changed = {name: each for name, each in theirs.items() if before.get(name) != each}
        for name, each in changed.items():
            mine[name] = max(mine.get(name, each), each, key=OWN_MODES.index)
        before, version = theirs, made
    else:
        raise CommandFailed(
            f"others write parameter {parameter} all the time: {runbook} may not be {mode}",
            "look at 'srectl runbooks list' and say it again",
        )
    there = read_own_modes(client, parameter).get(runbook)
    if there != mode:
        raise CommandFailed(
            f"somebody else has written parameter {parameter} at the same moment: {runbook} is not "
            f"switched to {mode}" + (f", but to {there}" if there else ""),
            "look at 'srectl runbooks list' and say it again",
        )


def _fitting(parameter: str, modes: Mapping[str, str]) -> str:
    text = json.dumps(modes, sort_keys=True)
    if len(text) > MOST_CHARACTERS:
        raise CommandFailed(
            f"{len(modes)} runbooks are more than parameter {parameter} can hold ({len(text)} of "
            f"{MOST_CHARACTERS} characters)",
            "say their modes in the catalogue instead (mode: observe, or none) and publish it",
        )
    return text


def _versioned(
    client: SSMClient, parameter: str, version: int | None = None
) -> tuple[Mapping[str, str], int]:
    """Give the modes of a version, and its number; of the newest without one."""
    name = parameter if version is None else f"{parameter}:{version}"
    with calling(f"parameter {name} could not be read"):
        found = client.get_parameter(Name=name)["Parameter"]
    return _own_modes(parameter, found["Value"]), found["Version"]


def _describe(runbook: str, mode: str, because: str) -> str:
    return f"{runbook} {mode}: {one_line(kept(because, MOST_REASON)) or _NO_REASON}"


def described(description: str, runbook: str, mode: str) -> str:
    """Give the reason that the description of a version has; empty where it has none for this.

    Parameters
    ----------
    description
        Of a version of the parameter; one that somebody else wrote may say anything.
    runbook, mode
        What was switched with it.
    """
    start = _describe(runbook, mode, "").removesuffix(_NO_REASON)
    reason = description.removeprefix(start)
    return "" if reason in (description, _NO_REASON) else reason


def reason_for_all(found: Sequence[Window], at: datetime.datetime) -> str:
    """Give why everything is left alone at a moment; empty where it is not."""
    return next((each.reason for each in found if each.is_open(at) and not each.target), "")


def reasons_by_target(found: Sequence[Window], at: datetime.datetime) -> dict[str, str]:
    """Give why single targets are left alone at a moment."""
    return {each.target: each.reason for each in found if each.is_open(at) and each.target}


def moment(text: str) -> datetime.datetime:
    """Read ``2026-01-31T22:00:00Z``; seconds may be missing, the Z may not.

    Raises
    ------
    ValueError
        It is not written so, or there is no such day or hour.
    """
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text!r} is no time in UTC: write it like 2026-01-31T22:00:00Z")
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} does not exist: {error}") from error


def target_of(text: str, *, may_be_all: bool = True) -> str:
    """Read which object a window is for, as a human names it.

    Parameters
    ----------
    text
        ``namespace/name``, or ``node/NAME``, or the name of a node alone.
    may_be_all
        Whether nothing at all means everything.

    Returns
    -------
    str
        As :class:`Window` has it.

    Raises
    ------
    ValueError
        It is no such name.
    """
    if not text and may_be_all:
        return ""
    if len(text) > _MAX_TARGET or not _TARGET.fullmatch(text):
        raise ValueError(f"{text!r} is no target: write apps/checkout, or node/NAME for a node")
    if text.startswith("node/"):
        return text.removeprefix("node")
    return text if "/" in text else f"/{text}"


def windows(client: SSMClient, parameter: str) -> list[Window]:
    """Give all windows, the earliest first.

    Raises
    ------
    CommandFailed
        The parameter cannot be read, or holds anything but windows.
    """
    try:
        return read_windows(_read(client, parameter))
    except Unreadable as error:
        raise _unreadable(parameter, error) from error


def _unreadable(parameter: str, error: Unreadable) -> CommandFailed:
    return CommandFailed(
        f"parameter {parameter} does not hold a list of maintenance windows ({error}); until "
        "it does, runbooks do nothing and escalate",
        "'srectl maintenance remove --all' empties it",
    )


def add_window(
    client: SSMClient, parameter: str, window: Window, now: datetime.datetime
) -> list[Window]:
    """Add a window, without secrets in its reason, and drop those that are past.

    Raises
    ------
    CommandFailed
        The window is not one, or too many are there, or the parameter cannot be read or written.
    """
    if window.end <= window.start:
        raise CommandFailed(
            f"the window ends at {written(window.end)}, before it starts ({written(window.start)})"
            if window.end < window.start
            else f"the window ends when it starts ({written(window.start)})",
            "give an --end after the --start",
        )
    if window.end <= now:
        raise CommandFailed(
            f"the window is past already: it ends at {written(window.end)}, now is {written(now)}",
            "times are in UTC",
        )
    reason = kept(window.reason, MOST_REASON)
    # An empty reason would read as "no window" in the state machine.
    if not reason or len(window.reason) > MOST_REASON:
        raise CommandFailed(
            f"the reason must have 1 to {MOST_REASON} characters",
            "it is what on-call reads when a runbook did nothing",
        )
    added = replace(window, reason=reason)
    return _changed(client, parameter, lambda there: [*there, added], now)


def remove_windows(
    client: SSMClient, parameter: str, start: datetime.datetime, now: datetime.datetime
) -> list[Window]:
    """Remove what starts at a moment, and what is past.

    Raises
    ------
    CommandFailed
        No window starts then, or the parameter cannot be read or written.
    """
    before = windows(client, parameter)
    if all(window.start != start for window in before):
        known = ", ".join(written(window.start) for window in before) or "none at all"
        raise CommandFailed(
            f"no maintenance window starts at {written(start)}", f"windows start at: {known}"
        )
    return _changed(
        client, parameter, lambda there: [each for each in there if each.start != start], now
    )


def remove_window(
    client: SSMClient, parameter: str, window: Window, now: datetime.datetime
) -> list[Window]:
    """Remove one window, whatever else begins with it, and what is past.

    Raises
    ------
    CommandFailed
        It is not there (any more), or the parameter cannot be read or written.
    """
    before = windows(client, parameter)
    if window not in before:
        raise CommandFailed(
            f"the window of {written(window.start)} to {written(window.end)} is not there any more",
            "'srectl maintenance list' shows those there are",
        )
    return _changed(
        client, parameter, lambda there: [each for each in there if each != window], now
    )


def remove_all_windows(client: SSMClient, parameter: str) -> None:
    """Remove every window, also where the parameter holds something else.

    Raises
    ------
    CommandFailed
        The parameter cannot be read or written.
    """
    _read(client, parameter)
    _write(client, parameter, "[]")


@dataclass(frozen=True)
class _Parameter:
    """A parameter, as `windows` reads and writes one."""

    client: SSMClient
    name: str

    def read(self) -> str:
        return _read(self.client, self.name)

    def write(self, text: str) -> None:
        _write(self.client, self.name, text)


def _changed(
    client: SSMClient,
    parameter: str,
    made: Callable[[Sequence[Window]], Iterable[Window]],
    now: datetime.datetime,
) -> list[Window]:
    try:
        return change(_Parameter(client, parameter), made, now)
    except Unreadable as error:
        raise _unreadable(parameter, error) from error
    except TooMany as error:
        raise CommandFailed(
            f"{error.count} maintenance windows are more than parameter {parameter} can hold "
            f"({error.characters} of {MOST_CHARACTERS} characters)",
            "remove some first ('srectl maintenance list'), or shorten their reasons",
        ) from error
    except Contested as error:
        raise CommandFailed(
            f"others write parameter {parameter} all the time: what was wanted is not there",
            "look at 'srectl maintenance list' and say it again",
        ) from error


def _read(client: SSMClient, parameter: str) -> str:
    with calling(f"parameter {parameter} could not be read"):
        return client.get_parameter(Name=parameter)["Parameter"]["Value"]


def _write(client: SSMClient, parameter: str, value: str, described: str = "") -> int:
    more: Any = {"Description": described} if described else {}
    with calling(f"parameter {parameter} could not be written"):
        return client.put_parameter(Name=parameter, Value=value, Overwrite=True, **more)["Version"]
