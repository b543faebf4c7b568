"""What the commands for operators share: the deployment they work on, who speaks, what is shown."""

from __future__ import annotations

import datetime
import functools
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from rich.markup import escape

from srectl.one_line import one_line
from srectl.operate import naming, switches
from srectl.operate.account import Account

Command = TypeVar("Command", bound=Callable[..., Any])

#: Of a stack that stands by: the name of another region's table of incidents, which it uses.
SHARED_TABLE = "SRECTL_INCIDENTS_TABLE"


_LENGTH = re.compile(r"(\d{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _account(_context: click.Context, _parameter: click.Parameter, prefix: str) -> Account:
    if not re.fullmatch(r"([a-z][a-z0-9-]{0,18}-)?", prefix):
        raise click.BadParameter(
            f"{prefix!r} is no NamePrefix: lower-case letters, digits and hyphens, ending in a "
            "hyphen"
        )
    return Account(prefix, os.environ.get(SHARED_TABLE, ""))


account_option = click.option(
    "--prefix",
    "account",
    default="",
    envvar="SRECTL_PREFIX",
    show_envvar=True,
    callback=_account,
    help="NamePrefix of the deployment. SRECTL_INCIDENTS_TABLE is its SharedIncidentTable, if it "
    "has one.  [default: none]",
)

by_option = click.option(
    "--by",
    default="",
    help="What to add to the name by which AWS knows you; written to the record.  [default: none]",
)


from_others_option = click.option(
    "--from-others", is_flag=True, help="Also where somebody else has it in hand."
)


def incident_argument(command: Command) -> Command:
    """Let a command be given an incident by its id, or by enough of its beginning.

    The command has to take an account, too (:data:`account_option`); it is handed the whole id.
    """

    @functools.wraps(command)
    def found(*arguments: Any, incident_id: str, account: Account, **options: Any) -> Any:
        whole = naming.full_id(account.dynamodb, account.incidents_table, incident_id)
        return command(*arguments, incident_id=whole, account=account, **options)

    return click.argument("incident_id", metavar="ID")(found)  # type: ignore[return-value]


class Moment(click.ParamType):
    """A time: ``2026-01-31T22:00:00Z``, ``now``, or a time ago such as ``2h``; becomes a moment."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime.datetime:
        if isinstance(value, datetime.datetime):
            return value
        if value == "now":
            return now()
        ago = _LENGTH.fullmatch(value)
        if ago:
            return now() - datetime.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            return switches.moment(value)
        except ValueError as error:
            self.fail(f"{error}, or 'now', or how long ago (90m, 2h, 1d)", param, ctx)


class Later(Moment):
    """A time to come: ``now`` or ``2026-01-31T22:00:00Z``.

    ``2h`` alone says for one how long it is to last and for the other when it was, so it is
    refused.
    """

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime.datetime:
        if isinstance(value, str) and _LENGTH.fullmatch(value):
            self.fail(
                f"{value!r} could be before or after now: give a time like 2026-01-31T22:00:00Z, "
                f"or '--for {value}' for how long it lasts",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


class Duration(click.ParamType):
    """How long: ``90m``, ``2h`` or ``1d``; becomes a time span."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime.timedelta:
        if isinstance(value, datetime.timedelta):
            return value
        found = _LENGTH.fullmatch(value)
        if not found or int(found[1]) == 0:
            self.fail(f"{value!r} is no length of time: write it like 90m, 2h or 1d", param, ctx)
        return datetime.timedelta(**{_UNITS[found[2]]: int(found[1])})


def now() -> datetime.datetime:
    """Give the time, to the second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def safe(value: object) -> str:
    """Make any text fit for the terminal: no markup, no control characters, one line."""
    return escape(one_line(value))


def plan_lines(plan: object) -> Iterable[str]:
    """Give a plan as lines that may be printed as they are: what changes from what to what."""
    if not isinstance(plan, list):
        return
    for change in plan:
        if isinstance(change, dict):
            yield (
                f"{safe(change.get('kind'))} {safe(change.get('name'))}: "
                f"{safe(change.get('field'))} [red]{safe(change.get('from'))}[/] → "
                f"[green]{safe(change.get('to'))}[/]"
            )
