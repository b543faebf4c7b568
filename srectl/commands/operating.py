"""What the commands for operators share: the deployment they work on, who speaks, what is shown."""

from __future__ import annotations

import datetime
import functools
import getpass
import json
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

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

by_option = click.option(
    "--by",
    default=getpass.getuser,
    show_default="name of the user",
    help="Who decides; written to the record.",
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
        ago = re.fullmatch(r"(\d{1,4})([mhd])", value)
        if ago:
            unit = {"m": "minutes", "h": "hours", "d": "days"}[ago[2]]
            return now() - datetime.timedelta(**{unit: int(ago[1])})
        try:
            return switches.moment(value)
        except ValueError as error:
            self.fail(f"{error}, or 'now', or how long ago (90m, 2h, 1d)", param, ctx)


def now() -> datetime.datetime:
    """Give the time, to the second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def safe(value: object) -> str:
    """Make any text fit for the terminal: no markup, no control characters, one line."""
    return escape(one_line(value))


def print_json(value: object) -> None:
    """Print a value for other programs."""
    click.echo(json.dumps(value, indent=2, sort_keys=True))


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
