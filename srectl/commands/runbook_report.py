"""``srectl runbooks report``: what became of each runbook's remediations, on each target."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

import click
from rich.table import Table

from srectl.commands.display import console, print_table
from srectl.commands.operating import Moment, account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.story import duration_of
from srectl.commands.times import clock, when
from srectl.errors import CommandFailed
from srectl.operate import recent, spans, trust
from srectl.operate.account import Account
from srectl.operate.track_record import Tally, tallies
from srectl.operate.trust import Standing, place_of

__all__ = ["report"]


@click.command()
@click.argument("name", required=False)
@click.option(
    "--since",
    type=Moment(),
    default=spans.option(spans.RECORD),
    show_default=True,
    help="Incidents whose alert began from then on: a time, or how long ago.",
)
@output_option
@account_option
def report(name: str | None, since: datetime.datetime, as_json: bool, account: Account) -> None:
    """Count what became of each runbook's remediations, on each target.

    How often a runbook ran (took its targets in hand), acted, helped (alert and target were
    verified), took back what it did, and called a human; the median time from the beginning of an
    alert to its end, where it helped; and how much sooner that was than where a human ended the
    same alert. One runbook is asked for by its NAME. Where it asks by now because it was not seen
    to help is said, too ('srectl runbooks trust' ends that), and who has trusted it again.
    """
    found = recent.since(account.dynamodb, account.incidents_table, since)
    counted = tallies(found.records)
    if name is not None:
        if name not in counted:
            raise CommandFailed(
                f"runbook {name} ran for none of the {len(found.records)} incidents since "
                f"{clock(since, now(), seconds=False)}",
                "--since looks further back; 'srectl runbooks list' names the runbooks",
            )
        counted = {name: counted[name]}
    locks = {lock for tally in counted.values() for lock in tally.targets}
    limit = trust.limit_of(account)
    read = trust.standings(account.dynamodb, account.guard_table, locks)
    there = {(each.runbook, each.lock): each for each in read}
    if as_json:
        print_json(
            {
                "since": since.isoformat(),
                "incidents": len(found.records),
                "more": found.more,
                "ask_after_unhelped": limit,
                "runbooks": {each: counted[each].as_json() for each in sorted(counted)},
                "trust": [
                    {"runbook": each.runbook, "target": each.lock, **each.as_json(limit)}
                    for each in read
                    if each.runbook in counted
                ],
            }
        )
        return
    columns = ("runbook", "target", "ran", "acted", "helped", "undone", "escalated")
    table = Table(*columns, "MTTR", "saved", "trust", box=None)
    for each, tally in sorted(counted.items(), key=lambda one: (-one[1].ran, one[0])):
        own = {lock: there.get((each, lock), Standing(each, lock)) for lock in tally.targets}
        for row in _rows(each, tally, own, limit):
            table.add_row(*row)
    if counted:
        print_table(table)
    ran = sum(each.ran for each in counted.values())
    console.print(
        f"{_many(ran, 'remediation')} of {_many(len(found.records), 'incident')} since "
        f"{clock(since, now(), seconds=False)}"
    )
    if found.more:
        console.print(
            "[yellow]there are more incidents than were looked at[/]: give a later --since"
        )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _rows(
    name: str, tally: Tally, there: Mapping[str, Standing], limit: int | None
) -> Iterator[tuple[str, ...]]:
    """Give a runbook's row, and one for each target where it has several."""
    targets = sorted(tally.targets.items(), key=lambda one: (-one[1].ran, one[0]))
    alone = targets[0][0] if len(targets) == 1 else ""
    asks = sum(each.asks(limit) or False for each in there.values())
    where = place_of(alone) if alone else f"{len(targets)} targets"
    trusted = _trust(there[alone], limit) if alone else f"asks on {asks}" if asks else ""
    yield safe(name), safe(where), *_numbers(tally), trusted
    if not alone:
        for lock, each in targets:
            yield "", safe(place_of(lock)), *_numbers(each), _trust(there[lock], limit)


def _trust(standing: Standing, limit: int | None) -> str:
    """Say how often in a row it was not seen to help, and what comes of that."""
    words = []
    if standing.unhelped:
        asks = "[red]asks[/]: " if standing.asks(limit) else ""
        words.append(f"{asks}{len(standing.unhelped)} in a row did not help")
    if standing.trusted:
        given = standing.trusted
        words.append(f"trusted again by {safe(given.get('by'))} at {when(given.get('at'))}")
    return "; ".join(words)


def _numbers(tally: Tally) -> Iterator[str]:
    counts = (tally.ran, tally.acted, tally.helped, tally.undone, tally.escalated)
    yield from map(str, counts)
    yield duration_of(tally.mttr_seconds)
    yield duration_of(tally.saved_seconds)
