"""Who has switched what, and when: read from the histories of the switches' parameters.

AWS Systems Manager keeps each version of a parameter (the last hundred) with who wrote it. So this
is of every hand: the commands, the console, Slack, a deployment, and the AWS console.
"""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from srectl.operate import switches
from srectl.operate.account import Account
from srectl.operate.moments import moment
from srectl.operate.refusals import calling
from srectl.operate.windows import Unreadable, Window, read_windows

__all__ = ["MODE", "RUNBOOK", "WINDOW", "Change", "changes", "in_force"]

MODE, RUNBOOK, WINDOW = "mode", "runbook", "window"
_PAGE = 50  # versions of one request (quota of AWS Systems Manager)


@dataclass(frozen=True)
class Change:
    """One switch that was switched.

    Attributes
    ----------
    at
        When.
    by
        ARN of who wrote it, as AWS knows it.
    kind
        ``mode`` of all remediation, that of one ``runbook``, or a maintenance ``window``.
    about
        Name of the runbook, or target of the window; empty for everything.
    value
        What it is from then on: a mode; of a window ``added`` or ``removed``; of a runbook empty
        where it is again as it was published.
    before
        What it was before; empty where that is not known.
    window
        The window.
    because
        Why a runbook was switched, where that was said.
    """

    at: datetime.datetime
    by: str
    kind: str
    about: str
    value: str
    before: str = ""
    window: Window | None = None
    because: str = ""

    @property
    def words(self) -> str:
        """What was done, as people read it."""
        if self.window:
            what = self.window.held or "everything"
            until = f"{switches.written(self.window.start)} to {switches.written(self.window.end)}"
            return f"maintenance window of {what} {self.value}, {until}: {self.window.reason}"
        name = f"runbook {self.about}" if self.about else "automatic remediation"
        was = f" (was {self.before})" if self.before else ""
        why = f": {self.because}" if self.because else ""
        return f"{name} is {self.value or 'as it was published'}{was}{why}"


def changes(account: Account) -> list[Change]:
    """Give every change of a switch that is still on record, newest first.

    Two requests at most for each of three parameters. What the oldest version changed is not known.

    Raises
    ------
    CommandFailed
        A history cannot be read.
    """
    found = [
        *_told(account, account.mode_parameter, _of_mode),
        *_told(account, account.own_modes_parameter, _of_runbooks),
        *_told(account, account.maintenance_parameter, _of_windows),
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)


def in_force(found: Iterable[Change], at: datetime.datetime) -> list[Change]:
    """Give of each switch the last change before a moment, of windows those that were open then."""
    last: dict[Any, Change] = {}
    for each in sorted(found, key=lambda one: one.at):
        if each.at <= at:
            last[each.kind, each.about, each.window] = each
    return [
        each
        for each in last.values()
        if each.window is None or (each.value == "added" and each.window.is_open(at))
    ]


def _told(account: Account, parameter: str, compare: Any) -> Iterator[Change]:
    with calling(f"the history of parameter {parameter} could not be read"):
        pages = account.ssm.get_paginator("get_parameter_history").paginate(
            Name=parameter, PaginationConfig={"PageSize": _PAGE}
        )
        versions: list[Any] = [each for page in pages for each in page["Parameters"]]
    versions.sort(key=lambda each: int(each["Version"]))
    for old, new in itertools.pairwise(versions):
        at = moment(new.get("LastModifiedDate"))
        if at is not None:
            by = str(new.get("LastModifiedUser") or "")
            yield from compare(old["Value"], new["Value"], at, by, str(new.get("Description")))


def _of_mode(old: str, new: str, at: datetime.datetime, by: str, _: str) -> Iterator[Change]:
    if old != new:
        yield Change(at, by, MODE, "", new, old)


def _of_runbooks(old: str, new: str, at: datetime.datetime, by: str, said: str) -> Iterator[Change]:
    before, after = _modes(old), _modes(new)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            value, was = (str(each.get(name) or "") for each in (after, before))
            because = switches.described(said, name, value)
            yield Change(at, by, RUNBOOK, name, value, was, because=because)


def _of_windows(old: str, new: str, at: datetime.datetime, by: str, _: str) -> Iterator[Change]:
    before, after = _windows(old), _windows(new)
    for each in sorted(after - before):
        yield Change(at, by, WINDOW, each.target, "added", window=each)
    for each in sorted(before - after):
        if each.end > at:  # what is past is dropped with the next change
            yield Change(at, by, WINDOW, each.target, "removed", window=each)


def _modes(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _windows(text: str) -> set[Window]:
    try:
        return set(read_windows(text))
    except Unreadable:
        return set()
