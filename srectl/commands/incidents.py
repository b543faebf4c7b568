"""``srectl incidents``: what happened, what was done about it, and closing what a human settled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TextIO

import click
from rich.table import Table

from srectl.commands.display import console, print_table
from srectl.commands.operating import (
    account_option,
    by_option,
    from_others_option,
    incident_argument,
    now,
    safe,
)
from srectl.commands.output import agreed, output_option, print_json
from srectl.commands.story import Behind, duration_of, of_left, of_step, place_of, status_of, tell
from srectl.commands.times import clock, when
from srectl.commands.watching import every_option, watched
from srectl.errors import CommandFailed
from srectl.operate import (
    acknowledging,
    announcing,
    at_work,
    audit,
    erasure,
    naming,
    paging,
    persons,
    unattended,
    undoing,
)
from srectl.operate import catalogue as publishing
from srectl.operate import evidence as evidences
from srectl.operate import incidents as records
from srectl.operate.account import Account
from srectl.operate.aftermath import (
    TakenBack,
    comes_back,
    still_changed,
    taken_back,
    untouched,
)
from srectl.operate.causes import never_hung
from srectl.operate.leftovers import not_before, state_of
from srectl.operate.plans import wanted_by

_EVERY = 5  # seconds from one look to the next
_AUDIT_REQUESTS = 3  # a call is held back within a moment of the alert
_SHORT = 8  # characters of an id in a list, where they tell all of it apart


@click.group()
def incidents() -> None:
    """List, read and close incidents.

    Uses the AWS account of the environment; 'eval "$(srectl local env)"' makes that the local
    stack.
    """


_status_option = click.option(
    "--status", type=click.Choice(records.STATUSES), help="Only incidents of this status."
)
_limit_option = click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Number at most."
)
_heartbeats_option = click.option(
    "--heartbeats", is_flag=True, help="The platform's own heartbeats (PlatformCanary), too."
)


@incidents.command(name="list")
@_status_option
@_limit_option
@_heartbeats_option
@click.option("--watch", is_flag=True, help="As 'srectl incidents watch'.")
@output_option
@account_option
def list_(
    status: str | None,
    limit: int,
    heartbeats: bool,
    watch: bool,
    as_json: bool,
    account: Account,
) -> None:
    """List the latest incidents, newest first, but for the platform's own heartbeats."""
    if watch and as_json:
        raise click.UsageError("a program is told once: leave --watch or --output json out")
    if watch:
        watched(lambda: _list(account, status, limit, heartbeats, as_json=False), _EVERY)
    else:
        _list(account, status, limit, heartbeats, as_json=as_json)


@incidents.command()
@_status_option
@_limit_option
@_heartbeats_option
@every_option
@account_option
def watch(status: str | None, limit: int, heartbeats: bool, seconds: int, account: Account) -> None:
    """Show the latest incidents and read them anew, until Ctrl-C."""
    watched(lambda: _list(account, status, limit, heartbeats, as_json=False), seconds)


def _list(
    account: Account, status: str | None, limit: int, heartbeats: bool, *, as_json: bool
) -> None:
    client, name = account.dynamodb, account.incidents_table
    found = records.find(client, name, status, limit, heartbeats=heartbeats)
    if as_json:
        print_json([records.told(incident) for incident in found])
        return
    if not found:
        console.print(f"no {status or ''} incidents".replace("  ", " "))
        return
    short = _short([str(incident["incident_id"]) for incident in found])
    table = Table("id", "started", "status", "severity", "alert", "target", "owner", box=None)
    for incident in found:
        owner = incident.get("acknowledged_by")
        table.add_row(
            safe(str(incident["incident_id"])[:short]),
            when(incident["timestamp"]),
            status_of(incident) + (" [dim]child[/]" if records.hangs(incident) else ""),
            safe(incident.get("severity")),
            safe(incident.get("alert_name")),
            place_of(incident),
            safe(persons.short(owner)) if owner else "",
        )
    print_table(table)
    if len(found) == limit:
        console.print(f"[dim]the latest {limit}; --limit shows more[/]")


def _short(ids: list[str]) -> int:
    """Give how many characters tell these ids apart."""
    return next(
        (n for n in range(_SHORT, 36) if len({each[:n] for each in ids}) == len(set(ids))), 36
    )


@incidents.command()
@click.argument("incident_id", metavar="[ID]", required=False)
@output_option
@account_option
def show(incident_id: str | None, as_json: bool, account: Account) -> None:
    """Tell the whole story of one incident.

    Without an ID: of the worst that needs somebody, and of these the newest. One needs somebody
    that was escalated and that nobody has in hand, or whose runbook asks for approval; what nobody
    has taken comes first.
    """
    client, table = account.dynamodb, account.incidents_table
    if incident_id is None:
        found = naming.needing_somebody(client, table)
        if found is None:
            print_json(None) if as_json else console.print("no incident needs anybody")
            return
        incident_id = str(found["incident_id"])
    incident = records.read(client, table, naming.full_id(client, table, incident_id))
    if as_json:
        print_json(records.told(incident))
    else:
        tell(incident, _doing(account, incident), _behind(account, incident))


def _behind(account: Account, incident: dict[str, Any]) -> Behind:
    """Read what the record itself does not say: why nothing was found or done, who is not called.

    The audit log only as long as a call may wait.
    """
    try:
        until = None
        if paging.may_wait(incident, now()):
            came = incident.get("received_at") or incident["timestamp"]
            log = audit.heard(account, {**incident, "timestamp": came}, _AUDIT_REQUESTS)
            until = paging.waits_until(log.events, incident, now())
        called = Behind(page_waits_until=until)
    except CommandFailed as error:
        called = Behind(page_problem=error.message)
    called = replace(called, no_cause=_no_cause(account, incident))
    try:
        why = ""
        if unattended.is_unattended(incident):
            name = wanted_by(incident)
            found = publishing.selected(account.dynamodb, account.runbooks_table, name)
            why = unattended.why_unattended(incident, found)
        noted = incident.get("evidence") or {}
        without = bool(noted.get("key")) and not noted.get("findings")
        nowhere = evidences.no_object(evidences.read(account, incident)) if without else ""
    except CommandFailed as error:  # a right that somebody lacks must not hide the story
        return replace(called, problem=error.message)
    return replace(called, unattended=why, nowhere=nowhere)


def _no_cause(account: Account, incident: dict[str, Any]) -> bool:
    """Say whether it never hung on what its record calls its cause."""
    if not incident.get("let_go_at"):
        return False
    try:
        cause = records.read(account.dynamodb, account.incidents_table, str(incident["caused_by"]))
    except (CommandFailed, KeyError):  # it is erased or cannot be read: its end is not known
        return False
    return never_hung(incident, cause)


def _doing(account: Account, incident: dict[str, Any]) -> str:
    """Say what its runbook does at this moment; empty where none is at work."""
    if not records.at_work(incident) or not incident.get("in_hand"):
        return ""
    try:
        working = at_work.running(account, incident, now())
    except CommandFailed as error:  # a right that somebody lacks must not hide the story
        return f"[dim]{safe(error.message)}[/]"
    step, end = working.step, working.ends_by
    by = f"; the runbook is over by {clock(end, now(), seconds=False)} at the latest" if end else ""
    decided = clock(working.decided_by, now(), seconds=False) if working.decided_by else ""
    if step is None:
        until = f", until {decided}" if decided else ""
        return f"no step is under way: it waits to see whether that helped{until}{by}"
    what = of_step({**step.step, "index": step.index})
    if step.does == "execute" and naming.asks(incident):
        until = incident["approval"].get("until")
        counts = f" until {when(until)}" if until else ""
        return f"[cyan]▶[/] {what} ({step.does}): waits for an answer{counts}, and has done nothing"
    up = f", given up at {decided} if it is not complete" if decided else ""
    return f"[cyan]▶[/] {what} ({step.does}): under way since {clock(step.since, now())}{up}{by}"


@incidents.command()
@incident_argument
@click.option(
    "--picture",
    type=click.File("w", encoding="utf-8", lazy=True),
    help="Write the numbers of the alert's own query there as an SVG instead (-: print it).",
)
@output_option
@account_option
def evidence(incident_id: str, picture: TextIO | None, as_json: bool, account: Account) -> None:
    """Print all the evidence of one incident, as JSON in either case.

    What changed lately, why containers ended, their last lines, events and more; it is kept for 30
    days.
    """
    if as_json and picture is not None:
        raise click.UsageError("a picture is no JSON: leave --output json or --picture out")
    incident = records.read(account.dynamodb, account.incidents_table, incident_id)
    whole = evidences.read(account, incident)
    if picture is None:
        print_json(whole)
        return
    drawn = evidences.picture_of(whole)
    if not drawn:
        raise CommandFailed(
            f"there are no numbers to draw: {evidences.why_no_numbers(incident, whole)}",
            "docs/evidence.md says which Prometheus is asked; the rest is there without --picture",
        )
    picture.write(drawn + "\n")


@incidents.command()
@incident_argument
@by_option
@from_others_option
@output_option
@account_option
def acknowledge(
    incident_id: str, by: str, from_others: bool, as_json: bool, account: Account
) -> None:
    """Take an incident: its record says who has, and the pager calls nobody else.

    What comes later, such as a runbook that asks or did not help, pages all the same.
    """
    by = persons.named(account, by)
    record = acknowledging.acknowledge(account, incident_id, by, now(), not from_others)
    print_taken(record)
    if as_json:
        print_json({"incident_id": incident_id, "taken_by": record["acknowledged_by"]})


def print_taken(record: dict[str, Any]) -> None:
    """Say who has an incident, since when and why, by its record."""
    why = record.get("acknowledged_because")
    console.print(
        f"[green]✓[/] incident {safe(record['incident_id'])} is in the hands of "
        f"{safe(record['acknowledged_by'])} since {when(record['acknowledged_at'])}"
        + (f": {safe(why)}" if why else "")
    )


@incidents.command()
@incident_argument
@click.option("--reason", required=True, help="How it was settled; written to the record.")
@from_others_option
@by_option
@output_option
@account_option
def resolve(
    incident_id: str, reason: str, from_others: bool, by: str, as_json: bool, account: Account
) -> None:
    """Close an escalated incident that a human has settled, and have the pager end its calls.

    Only an escalated one: a runbook closes what it works on itself, and an alert that ends closes
    the rest. Of an alert that fires on nobody hears again; one that begins anew is a new incident.
    """
    name = persons.named(account, by)
    closed_by(account, incident_id, name, reason, as_json=as_json, from_others=from_others)


def closed_by(
    account: Account, incident_id: str, by: str, reason: str, *, as_json: bool, from_others: bool
) -> None:
    """Close an incident, have its calls ended, and say so; one that is closed stays as it is."""
    if not reason.strip():
        raise click.BadParameter("say how it was settled", param_hint="--reason")
    known = records.read(account.dynamodb, account.incidents_table, incident_id)
    if known.get("status") == "resolved" and known.get("closed_by"):
        console.print(
            f"incident {safe(incident_id)} is already closed by {safe(known['closed_by'])}, "
            f"{when(known.get('closed_at'))}: {safe(known.get('closed_reason'))}"
        )
        if as_json:
            print_json(records.told(known))
        return
    closed = records.resolve(
        account,
        incident_id,
        by,
        reason,
        now(),
        of_nobody_else=not from_others,
    )
    console.print(
        f"[green]✓[/] incident {safe(incident_id)} is resolved, closed by {safe(by)}; "
        f"{duration_of(closed.get('mttr_seconds'))} after it began"
    )
    if after := records.fires_on(closed):
        console.print(f"  {after}")
    for step in still_changed(closed):
        back = (
            "it is taken back once things have been quiet for a while"
            if comes_back(closed, step)
            else f"'srectl undo {safe(incident_id[:8])}' takes it back, and nothing else does"
        )
        console.print(f"  [yellow]still changed[/]: {of_step(step)}; {back}")
    announcing.announce(
        account,
        announcing.CLOSED,
        closed,
        now(),
        "end its calls in the pager itself; the record needs nothing more",
        by=by,
        because=str(closed["closed_reason"]),
    )
    if as_json:
        print_json(records.told(closed))


@incidents.command()
@incident_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_option
@account_option
def erase(incident_id: str, yes: bool, as_json: bool, account: Account) -> None:
    """Erase the record of an incident that is over, for good.

    For what should not have been in an alert. Says what remains elsewhere, and how long.
    """
    agreed(f"Erase incident {incident_id} for good?", yes=yes, as_json=as_json)
    record = records.read(account.dynamodb, account.incidents_table, incident_id)
    if record.get("status") == "resolved":  # else the next one refuses
        evidences.erase(account, record)
    erasure.erase(
        account.dynamodb,
        account.incidents_table,
        f"{account.prefix}sre-remediation-guard",
        incident_id,
        now(),
    )
    console.print(
        f"[green]✓[/] the record of incident {safe(incident_id)} is erased; what remains:"
    )
    for where in erasure.REMAINS:
        console.print(f"  - {where}")
    if as_json:
        print_json({"incident_id": incident_id, "remains": erasure.REMAINS})


@incidents.command()
@incident_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--wait",
    "seconds",
    type=click.IntRange(1, 7200),
    default=900,
    show_default=True,
    help="Seconds to wait for its end.",
)
@by_option
@output_option
@account_option
def undo(
    incident_id: str, yes: bool, seconds: int, by: str, as_json: bool, account: Account
) -> None:
    """Take back what a runbook did for an incident, or left half-changed when it was stopped.

    Newest step first, under the locks of its targets; what was never done, or is somebody else's by
    now, stays as it is. The record tells each step, and who wanted it. Where somebody else has it
    taken back already, that is waited for: there is one attempt at a time, from here, the console
    and Slack.
    """
    by = persons.named(account, by)
    incident = records.read(account.dynamodb, account.incidents_table, incident_id)
    for each in undoing.asked(incident)["stack"][::-1]:
        console.print(f"  - {of_left(incident, each['step'])}")
    agreed("Take this back?", yes=yes, as_json=as_json)
    begun = undoing.start(account, incident_id, by, now(), state_of(incident))
    if begun.by != by:
        console.print(f"  {safe(begun.by)} has it taken back already, since {when(begun.at)}")
    if (until := not_before(incident)) and until > now():
        console.print(
            "  a call of the step that was stopped may be at work until "
            f"{clock(until, now())}, so nothing is taken back before"
        )
    problem = undoing.wait(account.states, begun.execution, seconds)
    record = records.read(account.dynamodb, account.incidents_table, incident_id)
    restoration = str(record.get("restoration"))
    if problem or not restoration.startswith(undoing.WENT_WELL):
        raise CommandFailed(
            f"not all of incident {incident_id} is taken back: " + (problem or restoration),
            f"'srectl incidents show {incident_id}' tells what became of each step",
        )
    if untouched(incident):
        console.print(
            f"[green]✓[/] by its record nothing had been changed for incident {safe(incident_id)}: "
            "nothing is left of it, and the locks of its targets are let go"
        )
    else:
        _tell_taken_back(incident_id, taken_back(incident, record))
    if restoration.endswith("then the alert came back"):
        console.print("[yellow]!![/] since then the alert came back")
    if as_json:
        print_json(records.told(record))


def _tell_taken_back(incident_id: str, steps: list[TakenBack]) -> None:
    """Tell what was taken back, and of the rest why nothing was.

    A step that is not known to have been done is none that could not be taken back; where nothing
    is known of any of them, each may be.
    """
    done = [each for each in steps if each.was_done] or steps
    if all(each.is_back for each in done):
        console.print(f"[green]✓[/] what was done for incident {safe(incident_id)} is taken back")
    else:
        part = "not all" if any(each.is_back for each in done) else "nothing"
        console.print(f"{part} of what was done for incident {safe(incident_id)} is taken back")
    if all(each.is_back for each in steps):
        return
    for each in steps:
        mark, why = ("[green]✓[/]", "taken back") if each.is_back else ("-", safe(each.why_not))
        unknown = "" if each.was_done else f" ({each.known})"
        console.print(f"  {mark} {of_step(each.step)}{unknown}: {why}")
