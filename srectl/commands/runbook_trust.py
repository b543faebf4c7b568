"""``srectl runbooks trust``: a runbook that fell back to asking acts by itself again."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click

from srectl.commands.display import console
from srectl.commands.operating import Moment, account_option, now, safe
from srectl.commands.output import agreed, output_option, print_json
from srectl.commands.story import duration_of
from srectl.commands.times import clock, when
from srectl.errors import CommandFailed
from srectl.operate import catalogue, recent, spans, trust
from srectl.operate.account import Account
from srectl.operate.track_record import Tally, outcome, tallies
from srectl.operate.trust import Standing, place_of

__all__ = ["trust_command"]


@click.command(name="trust")
@click.argument("name")
@click.option("--target", help="Only there: its name, or as much of its place as tells it apart.")
@click.option(
    "--since",
    type=Moment(),
    default=spans.option(spans.KEPT),
    show_default=True,
    help="Looks at targets of incidents whose alert began from then on.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@output_option
@account_option
def trust_command(
    name: str,
    target: str | None,
    since: datetime.datetime,
    yes: bool,
    as_json: bool,
    account: Account,
) -> None:
    """Let a runbook act by itself again on targets where it was not seen to help.

    Shows what each of those remediations came to, and its whole record there, beside the question.
    What is shown is forgotten, and nothing else: what fails to help meanwhile counts. Who has
    decided it and when stands beside it ('srectl runbooks report').
    """
    found = recent.since(account.dynamodb, account.incidents_table, since)
    tally = tallies(found.records).get(name, Tally())
    locks = _chosen(name, tally, target, found)
    there = trust.standings(account.dynamodb, account.guard_table, locks)
    failing = [each for each in there if each.runbook == name and each.unhelped]
    limit = trust.limit_of(account)
    if not tally.targets:
        _must_exist(account, name)
    if not failing:
        began = clock(since, now(), seconds=False)
        many = f"{len(locks)} target{'s' if len(locks) > 1 else ''}"
        said = (
            f"runbook {name} has nothing against it on {many} since {began}"
            if locks
            else f"runbook {name} has run on no target since {began}, so nothing is against it"
        )
        if as_json:
            print_json({"runbook": name, "by": None, "more": found.more, "targets": {}})
        console.print(safe(said))
        _say_if_more(found)
        return
    records = {str(each["incident_id"]): each for each in found.records}
    for each in failing:
        _show(each, tally.targets.get(each.lock, Tally()), limit, records, since)
    _say_if_more(found)
    agreed(f"Let {name} act by itself there again?", yes=yes, as_json=as_json)
    by, at = account.caller, now()
    for each in failing:
        trust.give(account.dynamodb, account.guard_table, each, by, at)
    if as_json:
        targets = {each.lock: each.as_json(limit) for each in failing}
        print_json({"runbook": name, "by": by, "more": found.more, "targets": targets})
        return
    for each in failing:
        console.print(
            f"[green]✓[/] {safe(name)} acts by itself on {safe(place_of(each.lock))}, from the "
            f"next incident on"
        )


def _must_exist(account: Account, name: str) -> None:
    """Refuse a runbook that nothing knows.

    Raises
    ------
    CommandFailed
        None of this name is published, and no incident was looked at that it had in hand.
    """
    there = catalogue.published(account.dynamodb, account.runbooks_table)
    names = sorted({each.answered_by or each.name for each in there.values()})
    if name not in names:
        near = get_close_matches(name, names, n=3)
        raise CommandFailed(
            f"there is no runbook {name}: none is published, and it had no incident in hand since",
            f"did you mean {' or '.join(near)}?" if near else "'srectl runbooks list' shows them",
        )


def _say_if_more(found: recent.Found) -> None:
    if found.more:
        console.print(
            f"[yellow]there are more incidents than were looked at[/]: only targets of the newest "
            f"{len(found.records)} are meant"
        )


def _chosen(name: str, tally: Tally, target: str | None, looked_at: recent.Found) -> list[str]:
    """Give the locks that are meant.

    Raises
    ------
    CommandFailed
        There is no such target, or more than one.
    """
    if target is None:
        return sorted(tally.targets)
    wanted = target.strip("/").split("/")
    found = [
        lock
        for lock in tally.targets
        if (place := [part for part in lock.split("#") if part])
        and (place[-len(wanted) :] == wanted or [*place[:-2], place[-1]][-len(wanted) :] == wanted)
    ]
    if len(found) == 1:
        return found
    known = ", ".join(sorted(map(place_of, found or tally.targets))) or "none"
    raise CommandFailed(
        f"{target!r} is {'more than one target' if found else 'no target'} of runbook {name}",
        f"its targets are: {known}; "
        + (
            f"only the newest {len(looked_at.records)} incidents were looked at"
            if looked_at.more
            else "--since looks further back"
        ),
    )


def _show(
    standing: Standing,
    tally: Tally,
    limit: int | None,
    records: Mapping[str, Mapping[str, Any]],
    since: datetime.datetime,
) -> None:
    asks = {True: " [red](asks)[/]", False: "", None: ""}[standing.asks(limit)]
    console.print(f"[bold]{safe(standing.runbook)}[/] on {safe(place_of(standing.lock))}{asks}")
    many = len(standing.unhelped)
    last = "remediation" if many == 1 else f"{many} remediations"
    console.print(
        f"  not seen to help in its last {last} there" + (f" (asks after {limit})" if limit else "")
    )
    for row in _rows(standing.unhelped, records):
        console.print(f"    {row}")
    console.print(
        f"  since {clock(since, now(), seconds=False)}: ran {tally.ran}, acted {tally.acted}, "
        f"helped {tally.helped}, undone {tally.undone}, escalated {tally.escalated}, "
        f"MTTR {duration_of(tally.mttr_seconds)}"
    )
    if standing.trusted:
        given = standing.trusted
        console.print(
            f"  trusted again before by {safe(given.get('by'))} at {when(given.get('at'))}, after "
            f"{safe(given.get('incidents'))} that did not help"
        )


def _became(record: Mapping[str, Any]) -> str:
    """Say what became of an incident; of one that is not over, its status as lists have it."""
    ended = outcome(record)
    return safe(record.get("status")) if ended == "open" else ended


def _rows(incidents: Sequence[str], records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    known = sorted(
        (records[each] for each in incidents if each in records),
        key=lambda each: str(each.get("timestamp")),
    )
    rows = [
        f"{safe(each['incident_id'])}  {when(each.get('timestamp'))}  {_became(each)}  "
        f"{safe(each.get('escalation_reason') or each.get('closed_reason') or '—')}"
        for each in known
    ]
    rows += [f"{safe(each)}  its record was not found" for each in incidents if each not in records]
    return rows
