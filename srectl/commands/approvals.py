"""``srectl approve`` and ``srectl deny``: answer a runbook that waits for a human."""

from __future__ import annotations

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, incident_argument, now, plan_lines, safe
from srectl.commands.output import agreed, output_option, print_json
from srectl.commands.times import when
from srectl.operate import answering, approvals
from srectl.operate.account import Account
from srectl.operate.signatures import usable_until
from srectl.operate.switches import written

_yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


@click.command()
@incident_argument
@_yes_option
@output_option
@account_option
def approve(incident_id: str, yes: bool, as_json: bool, account: Account) -> None:
    """Let the runbook of an incident act.

    Shows what it would change and asks before it answers. The answer is signed with your AWS
    credentials. Where two persons have to approve, the first one's answer waits for the second's.
    """
    asked = _show(account, incident_id)
    at = now()
    # The same person twice is told before the question.
    approvals.has_to_wait(asked, account.caller, at)
    agreed("do it?", yes=yes, as_json=as_json)
    answer = answering.approve(account, asked, at)
    if as_json:
        _print_answer(asked, "approved", answer)
    if answer.waits_until:
        console.print(
            f"[green]✓[/] approved by {safe(answer.by)}, the first of two: nothing is done before "
            f"another person types 'srectl approve {safe(incident_id)}', by "
            f"{when(answer.waits_until)}"
        )
        return
    _told(asked, "approved", answer)


@click.command()
@incident_argument
@click.option("--reason", required=True, help="Why not; part of the escalation.")
@_yes_option
@output_option
@account_option
def deny(incident_id: str, reason: str, yes: bool, as_json: bool, account: Account) -> None:
    """Keep the runbook of an incident from acting; the incident is escalated.

    The answer is signed with your AWS credentials.
    """
    if not reason.strip():
        raise click.BadParameter("say why not", param_hint="--reason")
    asked = _show(account, incident_id)
    agreed("deny it?", yes=yes, as_json=as_json)
    answer = answering.deny(account, asked, reason, now())
    if as_json:
        _print_answer(asked, "denied", answer)
    _told(asked, "denied", answer)


def _print_answer(asked: approvals.Question, answer: str, given: answering.Answer) -> None:
    until = given.waits_until
    print_json(
        {
            "incident_id": asked.incident["incident_id"],
            "runbook": asked.runbook,
            "plan": asked.plan,
            "answer": answer,
            "by": given.by,
            "noted": given.noted,
            "second_person_until": written(until) if until else None,
        }
    )


def _show(account: Account, incident_id: str) -> approvals.Question:
    asked = approvals.question(account.dynamodb, account.incidents_table, incident_id)
    console.print(
        f"[bold]{safe(asked.incident.get('alert_name'))}[/] "
        f"({safe(asked.incident.get('severity'))}): {safe(asked.incident.get('summary'))}"
    )
    if asked.before:
        console.print(
            "[yellow]it was answered before, but the plan had changed by the time of acting, so "
            "nothing was done[/]"
        )
    known = asked.incident.get("approval") or {}
    if known.get("why"):
        console.print(f"[yellow]it asks because {safe(known['why'])}[/]")
    until = f" and waits until {when(known['until'])}" if known.get("until") else ""
    console.print(
        f"runbook {safe(asked.runbook)} asked at {when(asked.requested_at)}{until}; it would:"
    )
    for line in plan_lines(asked.plan):
        console.print(f"    {line}")
    if not asked.is_readable:
        console.print("    [yellow]its plan cannot be read in the record[/]")
    elif not asked.plan:
        console.print("    [dim]change nothing, as things stand[/]")
    if asked.persons > 1:
        how = "nobody has yet"
        if asked.first:
            ran_out = usable_until(asked.first) <= now()
            how = f"{safe(asked.first.by)} did at {when(asked.first.at)}"
            how += ", which has run out" * ran_out
        console.print(f"two persons have to approve it; {how}")
    return asked


def _told(asked: approvals.Question, answer: str, given: answering.Answer) -> None:
    incident_id = asked.incident["incident_id"]
    console.print(f"[green]✓[/] {answer} by {safe(given.by)}")
    if not given.noted:
        click.echo(
            "the answer counts, but could not be noted in the record: a second engineer will not "
            "see that it was given",
            err=True,
        )
    console.print(f"  'srectl incidents show {safe(incident_id)}' follows what happens")
