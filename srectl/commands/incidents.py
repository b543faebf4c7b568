"""``srectl incidents``: what happened, what was done about it, and closing what a human settled."""

from __future__ import annotations

import datetime
from typing import Any, TextIO

import click
from rich.table import Table

from srectl.commands.display import console
from srectl.commands.operating import (
    account_option,
    by_option,
    json_option,
    now,
    plan_lines,
    print_json,
    safe,
)
from srectl.errors import CommandFailed
from srectl.operate import acknowledging, announcing, erasure, undoing
from srectl.operate import evidence as evidences
from srectl.operate import incidents as records
from srectl.operate.account import Account
from srectl.operate.switches import written

_NAMED = 3  # children that are named; --json has all
_COLOURS = {"open": "yellow", "remediating": "cyan", "escalated": "red", "resolved": "green"}


@click.group()
def incidents() -> None:
    """List, read and close incidents.

    Uses the AWS account of the environment; 'eval "$(srectl env)"' makes that the local stack.
    """


@incidents.command(name="list")
@click.option(
    "--status", type=click.Choice(records.STATUSES), help="Only incidents of this status."
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Number at most."
)
@json_option
@account_option
def list_(status: str | None, limit: int, as_json: bool, account: Account) -> None:
    """List the latest incidents, newest first."""
    found = records.find(account.dynamodb, account.incidents_table, status, limit)
    if as_json:
        print_json([records.shown(incident) for incident in found])
        return
    if not found:
        console.print(f"no {status or ''} incidents".replace("  ", " "))
        return
    table = Table("started", "status", "severity", "alert", "target", "id", box=None)
    for incident in found:
        table.add_row(
            safe(incident["timestamp"]),
            _status(incident) + (" [dim]child[/]" if records.hangs(incident) else ""),
            safe(incident.get("severity")),
            safe(incident.get("alert_name")),
            _target(incident.get("target")),
            safe(incident["incident_id"]),
        )
    console.print(table)
    if len(found) == limit:
        console.print(f"[dim]the latest {limit}; --limit shows more[/]")


@incidents.command()
@click.argument("incident_id", metavar="ID")
@json_option
@account_option
def show(incident_id: str, as_json: bool, account: Account) -> None:
    """Tell the whole story of one incident."""
    incident = records.read(account.dynamodb, account.incidents_table, incident_id)
    if as_json:
        print_json(records.shown(incident))
    else:
        _tell(incident)


@incidents.command()
@click.argument("incident_id", metavar="ID")
@click.option(
    "--picture",
    type=click.File("w", encoding="utf-8", lazy=True),
    help="Write the numbers of the alert's own query there as an SVG instead (-: print it).",
)
@account_option
def evidence(incident_id: str, picture: TextIO | None, account: Account) -> None:
    """Print all the evidence of one incident, as JSON.

    What changed lately, why containers ended, their last lines, events and more; it is kept for 30
    days.
    """
    incident = records.read(account.dynamodb, account.incidents_table, incident_id)
    whole = evidences.read(account, incident)
    if picture is None:
        print_json(whole)
        return
    drawn = evidences.picture_of(whole)
    if not drawn:
        said = (incident["evidence"].get("sources") or {}).get("measurements") or "not asked"
        raise CommandFailed(
            f"there are no numbers to draw: of measurements the record says {said!r}",
            "docs/evidence.md says which Prometheus is asked; the rest is there without --picture",
        )
    picture.write(drawn + "\n")


@incidents.command()
@click.argument("incident_id", metavar="ID")
@by_option
@account_option
def acknowledge(incident_id: str, by: str, account: Account) -> None:
    """Take an incident: its record says who has, and the pager calls nobody else.

    What comes later, such as a runbook that asks or did not help, pages all the same.
    """
    acknowledging.acknowledge(account, incident_id, by, now())
    console.print(f"[green]✓[/] incident {safe(incident_id)} is in the hands of {safe(by)}")


@incidents.command()
@click.argument("incident_id", metavar="ID")
@click.option("--reason", required=True, help="How it was settled; written to the record.")
@by_option
@account_option
def resolve(incident_id: str, reason: str, by: str, account: Account) -> None:
    """Close an escalated incident that a human has settled, and have the pager end its calls.

    Only an escalated one: a runbook closes what it works on itself, and an alert that ends closes
    the rest.
    """
    if not reason.strip():
        raise click.BadParameter("say how it was settled", param_hint="--reason")
    closed = records.resolve(
        account.dynamodb, account.incidents_table, incident_id, by, reason, now()
    )
    console.print(
        f"[green]✓[/] incident {safe(incident_id)} is resolved, closed by {safe(by)}; "
        f"{_duration(closed.get('mttr_seconds'))} after it began"
    )
    announcing.announce(
        account,
        announcing.CLOSED,
        closed,
        now(),
        "end its calls in the pager itself; the record needs nothing more",
        by=by,
        because=reason,
    )


@incidents.command()
@click.argument("incident_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def erase(incident_id: str, yes: bool, account: Account) -> None:
    """Erase the record of an incident that is over, for good.

    For what should not have been in an alert. Says what remains elsewhere, and how long.
    """
    if not yes:
        click.confirm(f"Erase incident {incident_id} for good?", abort=True)
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


@incidents.command()
@click.argument("incident_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--wait",
    "seconds",
    type=click.IntRange(1, 7200),
    default=900,
    show_default=True,
    help="Seconds to wait for its end.",
)
@account_option
def undo(incident_id: str, yes: bool, seconds: int, account: Account) -> None:
    """Take back what a runbook did for an incident, or left half-changed when it was stopped.

    Newest step first, under the locks of its targets; what was never done, or is somebody else's by
    now, stays as it is. The record tells each step.
    """
    incident = records.read(account.dynamodb, account.incidents_table, incident_id)
    for each in undoing.asked(incident)["stack"][::-1]:
        console.print(f"  - {_of_step(each['step'])}")
    if not yes:
        click.confirm("Take this back?", abort=True)
    execution, _ = undoing.start(
        account.states,
        account.dynamodb,
        account.incidents_table,
        account.restorer_arn,
        incident_id,
        now(),
    )
    problem = undoing.wait(account.states, execution, seconds)
    record = records.read(account.dynamodb, account.incidents_table, incident_id)
    if problem or record.get("restoration") != "restored":
        raise CommandFailed(
            f"not all of incident {incident_id} is taken back: "
            + (problem or str(record.get("restoration"))),
            f"'srectl incidents show {incident_id}' tells what became of each step",
        )
    console.print(f"[green]✓[/] what was done for incident {safe(incident_id)} is taken back")


def _of_step(step: dict[str, Any]) -> str:
    return f"{safe(step.get('index'))}. {safe(step.get('action'))} on {_target(step.get('target'))}"


def _tell(incident: dict[str, Any]) -> None:
    console.print(f"[bold]{safe(incident.get('alert_name'))}[/] {_status(incident)}")
    console.print(f"  {safe(incident.get('summary'))}")
    ended = incident.get("resolved_at")
    facts = {
        "incident": safe(incident["incident_id"]),
        "severity": safe(incident.get("severity")),
        "target": _target(incident.get("target")),
        "started": safe(incident["timestamp"]),
        "received": safe(incident.get("received_at")),
        "joined": safe(incident.get("attached_to")),
        "child of": _cause(incident),
        "children": _children(incident),
        "escalated": safe(incident.get("escalated_at")),
        "reason": safe(incident.get("escalation_reason")),
        "heard": _heard(incident),
        "ended": written(datetime.datetime.fromtimestamp(ended, datetime.UTC)) if ended else "—",
        "end": safe(incident.get("ending")),
        "MTTR": _duration(incident.get("mttr_seconds")),
        "health": safe(incident.get("target_health")),
        "restoration": safe(incident.get("restoration")),
        "taken by": _taken(incident),
        "closed by": safe(incident.get("closed_by")),
        "because": safe(incident.get("closed_reason")),
        "sender": safe(incident.get("sender")),
        "fingerprint": safe(incident.get("fingerprint")),
        "correlation": safe(incident.get("correlation_id")),
        "execution": safe(incident.get("runbook_execution")),
    }
    for name, value in facts.items():
        if value != "—":
            console.print(f"  [dim]{name:<12}[/]{value}")
    for warning in incident.get("warnings") or []:
        console.print(f"  [yellow]warning[/]     {safe(warning)}")
    _tell_evidence(incident)
    _tell_approval(incident)
    if incident.get("escalation_code") == "runbook-abandoned" and undoing.left(incident):
        console.print("[bold]may be left half-changed[/]")
        for each in undoing.left(incident):
            console.print(f"  {_of_step(each['step'])}")
        console.print(f"  to take it back: srectl incidents undo {safe(incident['incident_id'])}")
    steps = incident.get("actions_taken") or []
    console.print("[bold]what was done[/]" if steps else _nothing_yet(incident))
    for step in steps:
        _tell_step(step)
    for title, key in (("links", "links"), ("labels", "labels"), ("notes", "annotations")):
        entries = incident.get(key) or {}
        if entries:
            console.print(f"[bold]{title}[/]")
        for name in sorted(entries):
            console.print(f"  {safe(name)}: {safe(entries[name])}")


def _heard(incident: dict[str, Any]) -> str:
    """Say when the alert was last heard firing, and how bad it was called where that differs."""
    newest, worst = incident.get("heard_severity"), incident.get("severity")
    risen = incident.get("risen_from")
    words = [safe(incident["heard_at"])] if incident.get("heard_at") else []
    words += [f"as {safe(newest)}"] if newest and newest != worst else []
    words += [f"(risen from {safe(risen)} at {safe(incident.get('risen_at'))})"] if risen else []
    return " ".join(words) or "—"


def _cause(incident: dict[str, Any]) -> str:
    """Name the incident that it hangs on, or hung on until it was let go."""
    if not incident.get("caused_by"):
        return "—"
    until = incident.get("let_go_at")
    return safe(incident["caused_by"]) + (f", let go at {safe(until)}" if until else "")


def _children(incident: dict[str, Any]) -> str:
    """Say how many hang on it, and name as many as fit beside each other."""
    found = sorted(incident.get("children") or [])
    if not found:
        return "—"
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{len(found)}: {safe(', '.join(found[:_NAMED]))}{more}"


def _taken(incident: dict[str, Any]) -> str:
    """Say who has taken it, and when."""
    if not incident.get("acknowledged_by"):
        return "—"
    return f"{safe(incident['acknowledged_by'])}, {safe(incident.get('acknowledged_at'))}"


def _nothing_yet(incident: dict[str, Any]) -> str:
    """Say why a record holds no step: steps are recorded when they have ended."""
    if records.hangs(incident):
        return f"it waits for incident {safe(incident['caused_by'])}, which it hangs on"
    if not records.at_work(incident):
        return "nothing was done"
    if incident.get("attached_to"):
        return f"it follows the remediation of incident {safe(incident['attached_to'])}"
    return "its runbook is at work; each step is told here when it has ended"


def _tell_evidence(incident: dict[str, Any]) -> None:
    noted = incident.get("evidence")
    if not isinstance(noted, dict):
        return
    if noted.get("status") != "collected":
        console.print(
            f"[bold]evidence[/] {safe(noted.get('status'))}: {safe(noted.get('why_not'))}"
        )
        return
    console.print("[bold]evidence[/]" if noted.get("findings") else "[bold]evidence[/] no findings")
    for finding in noted.get("findings") or []:
        console.print(f"  - {safe(finding)}")
    for name, state in sorted((noted.get("sources") or {}).items()):
        if state not in ("read", "not asked"):
            console.print(f"  [yellow]without {safe(name)}[/]: {safe(state)}")
    if noted.get("key"):
        console.print(f"  all of it: srectl incidents evidence {safe(incident['incident_id'])}")


def _tell_approval(incident: dict[str, Any]) -> None:
    approval = incident.get("approval")
    if not isinstance(approval, dict):
        return
    if approval.get("answer"):
        how = (
            f"{approval['answer']} by {approval.get('answered_by')}, {approval.get('answered_at')}"
        )
    elif records.at_work(incident):
        how = f"asked at {approval.get('requested_at')}; if nobody answers the incident escalates"
        if approval.get("first"):
            first = approval["first"]
            how = f"approved by {first.get('by')}, {first.get('at')}; it takes a second person"
    else:
        how = f"asked at {approval.get('requested_at')}"
    console.print(f"[bold]approval[/] {safe(approval.get('runbook'))}: {safe(how)}")
    for line in plan_lines(approval.get("plan")):
        console.print(f"    {line}")


def _which(step: dict[str, Any]) -> str:
    """Say which step of its runbook it was, where there are several."""
    of = step.get("step")
    if not isinstance(of, dict) or of.get("of") in (None, 1):
        return ""
    return (
        f" [dim](step {safe(of.get('index'))} of {safe(of.get('of'))}, {safe(of.get('name'))})[/]"
    )


def _tell_step(step: dict[str, Any]) -> None:
    failed = step.get("status") == "failed"
    console.print(
        f"  {'[red]✗[/]' if failed else '[green]✓[/]'} {safe(step.get('started_at'))} "
        f"[bold]{safe(step.get('operation'))}[/] {safe(step.get('action'))}{_which(step)}: "
        f"{safe(step.get('status'))}. {safe(step.get('summary'))}"
    )
    result = step["result"] if isinstance(step.get("result"), dict) else {}
    for line in plan_lines(result.get("plan")):
        console.print(f"      {line}")
    if result.get("cut"):
        console.print("      [dim]shortened; the whole result is in the audit log[/]")
    if result.get("undo"):
        console.print(f"      [dim]undo:[/] {safe(result['undo'])}")
    if step.get("error"):
        error = step["error"] if isinstance(step["error"], dict) else {"message": step["error"]}
        console.print(f"      [red]{safe(error.get('name'))}[/]: {safe(error.get('message'))}")
    if step.get("approved_by"):
        console.print(f"      [dim]approved by[/] {safe(step['approved_by'])}")


def _status(incident: dict[str, Any]) -> str:
    status = str(incident.get("status"))
    return f"[{_COLOURS.get(status, 'white')}]{safe(status)}[/]"


def _target(target: object) -> str:
    if not isinstance(target, dict) or not target.get("kind"):
        return "—"
    parts = (target.get("cluster"), target.get("namespace"), target.get("kind"), target.get("name"))
    return safe("/".join(str(part) for part in parts if part))


def _duration(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return "—"
    return str(datetime.timedelta(seconds=round(seconds)))
