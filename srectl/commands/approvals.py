"""``srectl approve`` and ``srectl deny``: answer a runbook that waits for a human."""

from __future__ import annotations

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, incident_argument, now, plan_lines, safe
from srectl.consent import MOST_REASON
from srectl.operate import answering, approvals
from srectl.operate.account import Account
from srectl.operate.signatures import usable_until

_yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


@click.command()
@incident_argument
@_yes_option
@account_option
def approve(incident_id: str, yes: bool, account: Account) -> None:
    """Let the runbook of an incident act.

    Shows what it would change and asks before it answers. The answer is signed with your AWS
    credentials. Where two persons have to approve, the first one's answer waits for the second's.
    """
    asked = _show(account, incident_id)
    at = now()
    # The same person twice is told before the question.
    approvals.has_to_wait(asked, account.caller, at)
    if not yes:
        click.confirm("do it?", abort=True)
    answer = answering.approve(account, asked, at)
    if answer.waits_until:
        console.print(
            f"[green]✓[/] approved by {safe(answer.by)}, the first of two: nothing is done before "
            f"another person types 'srectl approve {safe(incident_id)}', by "
            f"{answer.waits_until:%H:%M} UTC"
        )
        return
    _told(asked, "approved", answer)


@click.command()
@incident_argument
@click.option("--reason", required=True, help="Why not; part of the escalation.")
@_yes_option
@account_option
def deny(incident_id: str, reason: str, yes: bool, account: Account) -> None:
    """Keep the runbook of an incident from acting; the incident is escalated.

    The answer is signed with your AWS credentials.
    """
    reason = reason.strip()[:MOST_REASON]
    if not reason:
        raise click.BadParameter("say why not", param_hint="--reason")
    asked = _show(account, incident_id)
    if not yes:
        click.confirm("deny it?", abort=True)
    _told(asked, "denied", answering.deny(account, asked, reason, now()))


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
    console.print(f"runbook {safe(asked.runbook)} asked at {safe(asked.requested_at)}; it would:")
    for line in plan_lines(asked.plan):
        console.print(f"    {line}")
    if not asked.plan:
        console.print("    [dim]change nothing, as things stand[/]")
    if asked.persons > 1:
        how = "nobody has yet"
        if asked.first:
            ran_out = usable_until(asked.first) <= now()
            how = f"{asked.first.by} did at {asked.first.at}{', which has run out' * ran_out}"
        console.print(f"two persons have to approve it; {safe(how)}")
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
