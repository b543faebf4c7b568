"""``srectl take``, ``release``, ``stop`` and ``close``: who has an incident, the robot or a human.

The record names the caller by the ARN that AWS knows, and behind it by what ``--by`` adds.
"""

from __future__ import annotations

import click

from srectl.commands.display import console
from srectl.commands.incidents import closed_by, print_taken
from srectl.commands.operating import (
    account_option,
    by_option,
    from_others_option,
    incident_argument,
    now,
    safe,
)
from srectl.commands.output import output_option, print_json
from srectl.operate import acknowledging, incidents, persons, stopping
from srectl.operate.account import Account
from srectl.operate.aftermath import untouched
from srectl.operate.leftovers import left

__all__ = ["close", "release", "stop", "take"]

_reason_option = click.option(
    "--reason",
    default="",
    help=f"Why; up to {acknowledging.MOST_REASON} characters, in the record.",
)


@click.command()
@incident_argument
@_reason_option
@from_others_option
@by_option
@output_option
@account_option
def take(
    incident_id: str, reason: str, from_others: bool, by: str, as_json: bool, account: Account
) -> None:
    """Take an incident over: it is yours, and its runbook is stopped.

    The pager calls nobody else. What the runbook has done so far stays, and may be half-changed:
    'srectl undo ID' takes it back. The locks of its targets keep other runbooks away until then, or
    until they run out. Taken again it is the same.
    """
    by, at = persons.named(account, by), now()
    record = acknowledging.noted(
        account, incident_id, by, at, of_nobody_else=not from_others, because=reason
    )
    stopped = stopping.stop(account, incident_id, by, reason, at)
    acknowledging.tell_taken(account, record, at)
    if as_json:
        taken_by = record["acknowledged_by"]
        print_json({"incident_id": incident_id, "taken_by": taken_by, "stopped": stopped})
        return
    print_taken(record)
    _next(account, incident_id, stopped)


@click.command()
@incident_argument
@from_others_option
@by_option
@output_option
@account_option
def release(incident_id: str, from_others: bool, by: str, as_json: bool, account: Account) -> None:
    """Give an incident back: nobody has it, and it waits for somebody again.

    No runbook starts by that: what was tried once for an incident is not tried again.
    """
    by = persons.named(account, by)
    had = acknowledging.release(account, incident_id, by, now(), of_nobody_else=not from_others)
    if as_json:
        print_json({"incident_id": incident_id, "released_by": by if had else None})
    elif had:
        console.print(f"[green]✓[/] nobody has incident {safe(incident_id)}; it waits for somebody")
    else:
        console.print(f"nobody had incident {safe(incident_id)}")


@click.command()
@incident_argument
@_reason_option
@from_others_option
@by_option
@output_option
@account_option
def stop(
    incident_id: str, reason: str, from_others: bool, by: str, as_json: bool, account: Account
) -> None:
    """Stop the runbook that works on an incident; the incident is escalated to a human.

    Everybody who hears of incidents hears by whom, and what may be half-changed. Stopped again, or
    where none is at work, nothing happens; but a reason that whoever has stopped it gives then is
    noted.
    """
    by = persons.named(account, by)
    stopped = stopping.stop(account, incident_id, by, reason, now(), of_nobody_else=not from_others)
    noted = stopped or not reason or stopping.add_reason(account, incident_id, by, reason)
    if as_json:
        print_json({"incident_id": incident_id, "by": by, "stopped": stopped})
        return
    if stopped:
        console.print(f"[green]✓[/] the runbook of incident {safe(incident_id)} is stopped")
    else:
        why = "" if not reason else "; the reason is noted" if noted else ", so no reason is noted"
        console.print(f"no runbook is at work on incident {safe(incident_id)}{why}")
    _next(account, incident_id, stopped)


@click.command()
@incident_argument
@click.option("--reason", required=True, help="How it was settled; written to the record.")
@from_others_option
@by_option
@output_option
@account_option
def close(
    incident_id: str, reason: str, from_others: bool, by: str, as_json: bool, account: Account
) -> None:
    """Close an escalated incident that a human has settled; the pager's calls end.

    One that a runbook works on is not closed: 'srectl take ID' first. Closed again it is the same.
    Of an alert that fires on nobody hears again; one that begins anew is a new incident.
    """
    name = persons.named(account, by)
    closed_by(account, incident_id, name, reason, as_json=as_json, from_others=from_others)


def _next(account: Account, incident_id: str, stopped: bool) -> None:
    """Say what the runbook that was stopped has left, and what to type."""
    if not stopped:
        return
    short = safe(incident_id[:8])
    record = incidents.read(account.dynamodb, account.incidents_table, incident_id)
    nothing = untouched(record)
    if not nothing:
        console.print(
            f"  what it did stays, perhaps half-changed: 'srectl show {short}' "
            f"tells it, 'srectl undo {short}' takes it back"
        )
    elif left(record):
        console.print(
            f"  by its record nothing had been changed: {safe(nothing)}; "
            f"'srectl undo {short}' lets go of the locks of its targets"
        )
    else:
        console.print(f"  nothing had been changed: {safe(nothing)}")
