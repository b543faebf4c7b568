"""``srectl dlq``: what could not be delivered, and bringing it back."""

from __future__ import annotations

import dataclasses
from typing import Any

import click
from rich.table import Table

from srectl.commands.display import console, print_table
from srectl.commands.operating import account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.times import when
from srectl.errors import CommandFailed, ExitCode
from srectl.operate import queues
from srectl.operate import redrive as redriving
from srectl.operate.account import Account


@click.group()
def dlq() -> None:
    """Look at what could not be delivered, and bring it back.

    \b
    parked         events that the bus refused
    recorder       events that are not in the incident's record
    runbook        alerts whose runbook did not start
    notifications  messages that somebody was not told
    audit          events that are not in the audit log
    functions      calls of a function that failed unheard, alarms and notices of AWS
    """


@dlq.command(name="list")
@output_option
@account_option
def list_(as_json: bool, account: Account) -> None:
    """List the queues and how much is in them."""
    depths = [queues.depth(account.sqs, queue, account.prefix) for queue in queues.QUEUES]
    if as_json:
        print_json([dataclasses.asdict(depth) for depth in depths])
        return
    table = Table("queue", "waiting", "in flight", "holds", box=None)
    for depth in depths:
        waiting = f"[red]{depth.waiting}[/]" if depth.waiting else "0"
        table.add_row(
            depth.queue,
            waiting,
            str(depth.in_flight),
            queues.CONTENT[depth.queue],
        )
    print_table(table)


@dlq.command()
@click.argument("queue")
@click.option("--max", "maximum", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--bodies", is_flag=True, help="Also print the messages themselves.")
@output_option
@account_option
def show(queue: str, maximum: int, bodies: bool, as_json: bool, account: Account) -> None:
    """Show the messages of QUEUE and why they are there; leaves them there."""
    short = queues.queue_of(queue, account.prefix)
    messages = queues.peek(account.sqs, short, account.prefix, maximum)
    described: list[dict[str, Any]] = []
    for message in messages:
        entry = queues.describe(message)
        described.append({**entry, "body": message.body} if bodies else entry)
    if as_json:
        print_json(described)
        return
    if not messages:
        console.print(f"nothing waits in {short}")
    for entry in described:
        console.print(
            f"{when(entry['sent_at'])} [bold]{safe(entry['kind'])}[/] {safe(entry['alert_name'])} "
            f"{safe(entry['incident_id'])}"
        )
        if entry["error"] or entry["error_message"]:
            console.print(f"    [red]{safe(entry['error'])}[/] {safe(entry['error_message'])}")
        if bodies:
            console.print(f"    {safe(entry['body'])}")


@dlq.command()
@click.argument("queue", required=False)
@click.option("--all", "everything", is_flag=True, help="Every queue.")
@click.option(
    "--max",
    "maximum",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Messages of one queue at most.",
)
@click.option(
    "--include-old",
    is_flag=True,
    help="Also alerts of more than an hour ago that would start their runbook now.",
)
@output_option
@account_option
def redrive(
    queue: str | None,
    everything: bool,
    maximum: int,
    include_old: bool,
    as_json: bool,
    account: Account,
) -> None:
    """Deliver the messages of QUEUE to where they had been meant to go, and only there.

    A message is deleted once it was accepted; what is not accepted stays. No incident is
    remediated twice: a runbook claims its incident first, and a second start finds the claim.
    Alerts of more than an hour ago stay, because their runbook would start now; look at
    them, then say --include-old. A notification goes to every subscriber again.
    """
    if everything == (queue is not None):
        raise click.UsageError("give a QUEUE, or --all")
    if queue is None:
        outcomes = list(redriving.redrive_all(account, maximum, now(), include_old))
    else:
        short = queues.queue_of(queue, account.prefix)
        outcomes = [redriving.redrive(account, short, maximum, now(), include_old)]
    if as_json:
        print_json([_as_json(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            _report(outcome)
    left = sum(len(outcome.left) + len(outcome.undeleted) for outcome in outcomes)
    if left:
        raise CommandFailed(
            f"{left} messages stay in their queues",
            "the reasons stand above; 'srectl dlq show QUEUE --bodies' shows them whole",
            ExitCode.FAILED,
        )


def _as_json(outcome: redriving.Outcome) -> dict[str, Any]:
    return {
        "queue": outcome.queue,
        "delivered": [
            {**queues.describe(message), "to": where} for message, where in outcome.delivered
        ],
        "left": [{**queues.describe(left.message), "reason": left.reason} for left in outcome.left],
        "undeleted": [queues.describe(message) for message in outcome.undeleted],
        "more": outcome.more,
    }


def _report(outcome: redriving.Outcome) -> None:
    console.print(
        f"[bold]{outcome.queue}[/]: {len(outcome.delivered)} delivered, {len(outcome.left)} left"
    )
    for message, where in outcome.delivered:
        entry = queues.describe(message)
        console.print(
            f"  [green]✓[/] {safe(entry['kind'])} {safe(entry['incident_id'])} → {safe(where)}"
        )
    for left in outcome.left:
        entry = queues.describe(left.message)
        console.print(
            f"  [red]✗[/] {safe(entry['kind'])} {safe(entry['incident_id'])}: {safe(left.reason)}"
        )
    for message in outcome.undeleted:
        console.print(
            f"  [yellow]![/] {safe(message.message_id)} was delivered but could not be deleted; "
            "the next redrive delivers it again"
        )
    if outcome.more:
        console.print("  [dim]stopped at --max; there may be more[/]")
