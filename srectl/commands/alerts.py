"""``srectl alerts``: what the records say of alerts, which is where to make them fewer."""

from __future__ import annotations

import datetime

import click
from rich.table import Table

from srectl.commands.display import console, print_table
from srectl.commands.operating import Moment, account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.story import duration_of, target_of
from srectl.commands.times import clock, when
from srectl.operate import noise, recent, spans
from srectl.operate.account import Account
from srectl.operate.switches import written


@click.group()
def alerts() -> None:
    """Ask the records about alerts."""


@alerts.command()
@click.option(
    "--since",
    type=Moment(),
    default=spans.option(spans.NOISE),
    show_default=True,
    help="Incidents whose alert began from then on: a time, or how long ago.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Alerts at most."
)
@output_option
@account_option
def top(since: datetime.datetime, limit: int, as_json: bool, account: Account) -> None:
    """List the noisy alerts, the most frequent first.

    How often each came, how often a human was called, how many a runbook ended and how many ended
    by themselves (nobody had closed them or had them in hand), the median time to the end, and
    when the latest began. An alert that mostly ends by itself wants a longer 'for'; one that mostly
    calls wants a runbook, or to be no alert.
    """
    found = recent.since(account.dynamodb, account.incidents_table, since)
    counted = noise.noisiest(found.records)
    if as_json:
        print_json(
            {
                "since": written(since),
                "incidents": len(found.records),
                "more": found.more,
                "alerts": [each.as_json() for each in counted[:limit]],
            }
        )
        return
    table = Table("alert", "came", "called", "helped", "itself", "MTTR", "last", "on", box=None)
    for each in counted[:limit]:
        table.add_row(
            safe(each.alert),
            *map(str, (each.count, each.called, each.helped, each.itself)),
            duration_of(each.mttr_seconds),
            when(each.last),
            target_of(each.mostly_on),
        )
    if counted:
        print_table(table)
    console.print(
        f"{len(found.records)} incidents of {len(counted)} alerts since "
        f"{clock(since, now(), seconds=False)}"
    )
    if found.more:
        console.print(
            "[yellow]there are more incidents than were looked at[/]: give a later --since"
        )
