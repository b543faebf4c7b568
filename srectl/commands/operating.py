"""What the commands for operators share: the deployment they work on, who speaks, what is shown."""

from __future__ import annotations

import datetime
import getpass
import json
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from rich.markup import escape

from srectl.operate import switches
from srectl.operate.account import Account

Command = TypeVar("Command", bound=Callable[..., Any])

#: Of a stack that stands by: the name of another region's table of incidents, which it uses.
SHARED_TABLE = "SRECTL_INCIDENTS_TABLE"

# Line ends and what drives a terminal: an alert's text must not move the cursor or fake a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


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
    return escape(_CONTROL.sub(" ", "—" if value is None else str(value)))


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
