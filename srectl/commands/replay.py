"""``srectl replay``: send archived events over the bus again."""

from __future__ import annotations

import datetime

import click

from srectl.commands.display import console
from srectl.commands.operating import Moment, account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.times import when
from srectl.operate import replay as replaying
from srectl.operate.account import Account
from srectl.operate.switches import written

_RECORDED = (
    "The recorder fills in what is missing in the records. Nobody is told again and no runbook "
    "starts."
)
_TOLD = "Notifications are sent again. No runbook starts."
_STARTED = (
    "No incident is remediated twice: a runbook that meets its own incident again finds the claim "
    "of the first one and ends as a duplicate. Notifications are sent again. An alert that never "
    "got a claim starts its runbook now; 'srectl mode observe' beforehand keeps it from acting."
)


def _why(rules: tuple[str, ...]) -> str:
    if "created" in rules:
        return _STARTED
    return _TOLD if "resolved" in rules else _RECORDED


@click.command()
@click.option("--from", "start", type=Moment(), required=True, help="Begin of the range.")
@click.option("--to", "end", type=Moment(), default="now", show_default=True, help="Its end.")
@click.option(
    "--only",
    "rules",
    type=click.Choice(sorted(replaying.RULES)),
    multiple=True,
    help="To this rule (several times for several) instead of to the records: 'created' starts "
    "runbooks and notifies, 'resolved' notifies, 'audit' writes the audit log.  "
    "[default: records]",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be replayed.")
@output_option
@account_option
def replay(
    start: datetime.datetime,
    end: datetime.datetime,
    rules: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    account: Account,
) -> None:
    """Replay the archived events of a time range onto the bus, and follow it to its end.

    Times are in UTC (2026-01-31T22:00:00Z), 'now', or how long ago (90m, 2h, 1d).

    They go to the recorder, which fills in what is missing in the records; nobody is told again
    and no runbook starts. --only chooses other rules. Whatever is chosen, no incident is remediated
    twice: the runbook finds the claim of the first one.
    """
    rules = rules or replaying.DEFAULT_RULES
    wanted = replaying.Range(start, end, rules)
    archive = replaying.check(account, wanted, now())
    facts = {
        "archive": archive.name,
        "from": written(start),
        "to": written(end),
        "rules": [account.prefix + replaying.RULES[rule] for rule in wanted.rules],
        "archived_events": archive.events,
        "replay": None,
        "state": "not started",
    }
    if not as_json:
        console.print(
            f"{when(start)} to {when(end)} of archive {safe(archive.name)} "
            f"({archive.events} events in all, kept {archive.retention_days} days)"
        )
        console.print(
            f"  to {safe(', '.join(account.prefix + replaying.RULES[r] for r in wanted.rules))}"
        )
        console.print(f"  [dim]{safe(_why(rules))}[/]")
    if dry_run:
        if as_json:
            print_json(facts)
        else:
            console.print("nothing was replayed (--dry-run)")
        return
    name = replaying.start(account, wanted)
    shown = ""
    for state in replaying.follow(account, name):
        facts |= {"replay": name, "state": state["State"]}
        at = state.get("EventLastReplayedTime")
        line = safe(state["State"].lower()) + (f", at events of {when(at)}" if at else "")
        if line != shown and not as_json:
            console.print(f"  · replay {name}: {line}")
        shown = line
    if as_json:
        print_json(facts)
