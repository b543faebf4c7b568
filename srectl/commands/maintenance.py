"""``srectl maintenance``: times in which runbooks leave everything alone."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import click
from rich.table import Table

from srectl.commands.display import console, print_table
from srectl.commands.operating import Duration, Later, Moment, account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.times import when
from srectl.one_line import one_line
from srectl.operate import known_targets, switches
from srectl.operate.account import Account


def _target(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str:
    if text is None:
        return ""
    try:
        return switches.target_of(text, may_be_all=False)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.group()
def maintenance() -> None:
    """Announce times in which runbooks leave everything alone.

    Alerts are recorded and go to a human then. Times are in UTC: 2026-01-31T22:00:00Z.
    """


@maintenance.command(name="list")
@output_option
@account_option
def list_(as_json: bool, account: Account) -> None:
    """List the windows, the earliest first."""
    _show(switches.windows(account.ssm, account.maintenance_parameter), as_json)


@maintenance.command()
@click.option("--start", type=Later(), default="now", show_default=True, help="When it begins.")
@click.option("--for", "length", type=Duration(), help="How long it lasts: 90m, 2h, 1d.")
@click.option("--end", type=Later(), help="When it is over, instead of how long it lasts.")
@click.option("--reason", required=True, help="Why; on-call reads it in the escalation.")
@click.option(
    "--target",
    callback=_target,
    help="Leave only this alone: NAMESPACE/NAME, or node/NAME.  [default: everything]",
)
@output_option
@account_option
def add(
    start: datetime.datetime,
    length: datetime.timedelta | None,
    end: datetime.datetime | None,
    reason: str,
    target: str,
    as_json: bool,
    account: Account,
) -> None:
    """Add a window; drops those that are past.

    With --target runbooks go on for everything else. It is matched on the object that a runbook
    would change, in whichever cluster: for an alert about a pod that is its deployment. A name
    without a namespace is a node's. One that nothing here has named yet is said to be that, as it
    may be mistyped, and is left alone all the same.
    """
    if (length is None) == (end is None):
        raise click.UsageError("give how long it lasts (--for 2h), or its --end")
    end = end or start + (length or datetime.timedelta())
    window = switches.Window(start, end, reason, target)
    found = switches.add_window(account.ssm, account.maintenance_parameter, window, now())
    _show(found, as_json)
    doubt = known_targets.doubt(account, target) if target else ""
    if doubt:
        click.echo(f"warning: {one_line(doubt)}", err=True)


@maintenance.command()
@click.argument("start", type=Moment(), required=False)
@click.option("--all", "everything", is_flag=True, help="Remove every window.")
@output_option
@account_option
def remove(
    start: datetime.datetime | None, everything: bool, as_json: bool, account: Account
) -> None:
    """Remove the window that begins at START; drops those that are past."""
    if everything == (start is not None):
        raise click.UsageError("give the START of a window, or --all")
    if start is None:
        switches.remove_all_windows(account.ssm, account.maintenance_parameter)
        _show([], as_json)
    else:
        _show(
            switches.remove_windows(account.ssm, account.maintenance_parameter, start, now()),
            as_json,
        )


def _show(windows: Sequence[switches.Window], as_json: bool) -> None:
    if as_json:
        print_json([window.as_json() for window in windows])
        return
    if not windows:
        console.print("no maintenance windows: runbooks follow the mode ('srectl mode')")
        return
    at = now()
    table = Table("start", "end", "", "target", "reason", box=None)
    for window in windows:
        state = (
            "[yellow]open[/]"
            if window.start <= at < window.end
            else "past"
            if window.end <= at
            else "to come"
        )
        table.add_row(
            when(window.start),
            when(window.end),
            state,
            safe(window.held or "everything"),
            safe(window.reason),
        )
    print_table(table)
