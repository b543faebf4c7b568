"""``srectl approve`` and ``srectl deny``: answer a runbook that waits for a human."""

from __future__ import annotations

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, by_option, now, plan_lines, safe
from srectl.operate import approvals
from srectl.operate.account import Account

_yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


@click.command()
@click.argument("incident_id", metavar="ID")
@by_option
@_yes_option
@account_option
def approve(incident_id: str, by: str, yes: bool, account: Account) -> None:
    """Let the runbook of an incident act.

    Shows what it would change and asks before it answers.
    """
    asked = _show(account, incident_id)
    if not yes:
        click.confirm("do it?", abort=True)
    approvals.approve(account.states, asked, by, approvals.signed(account.session, asked))
    _note(account, asked, "approved", by)


@click.command()
@click.argument("incident_id", metavar="ID")
@click.option("--reason", required=True, help="Why not; part of the escalation.")
@by_option
@_yes_option
@account_option
def deny(incident_id: str, reason: str, by: str, yes: bool, account: Account) -> None:
    """Keep the runbook of an incident from acting; the incident is escalated."""
    if not reason.strip():
        raise click.BadParameter("say why not", param_hint="--reason")
    asked = _show(account, incident_id)
    if not yes:
        click.confirm("deny it?", abort=True)
    approvals.deny(account.states, asked, by, reason)
    _note(account, asked, "denied", by)


def _show(account: Account, incident_id: str) -> approvals.Question:
    asked = approvals.question(account.dynamodb, account.incidents_table, incident_id)
    console.print(
        f"[bold]{safe(asked.incident.get('alert_name'))}[/] "
        f"({safe(asked.incident.get('severity'))}): {safe(asked.incident.get('summary'))}"
    )
    console.print(f"runbook {safe(asked.runbook)} asked at {safe(asked.requested_at)}; it would:")
    for line in plan_lines(asked.plan):
        console.print(f"    {line}")
    if not asked.plan:
        console.print("    [dim]change nothing, as things stand[/]")
    return asked


def _note(account: Account, asked: approvals.Question, answer: str, by: str) -> None:
    incident_id = asked.incident["incident_id"]
    console.print(f"[green]✓[/] {answer} by {safe(by)}")
    if not approvals.note_answer(
        account.dynamodb, account.incidents_table, asked, answer, by, now()
    ):
        click.echo(
            "the answer counts, but could not be noted in the record: a second engineer will not "
            "see that it was given",
            err=True,
        )
    console.print(f"  'srectl incidents show {safe(incident_id)}' follows what happens")
