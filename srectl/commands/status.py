"""``srectl status``: how the deployment stands, on one screen."""

from __future__ import annotations

from typing import Any

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.story import target_of
from srectl.commands.times import when
from srectl.operate.account import Account
from srectl.operate.switches import held

_SHORT = 8


@click.command()
@output_option
@account_option
def status(as_json: bool, account: Account) -> None:
    """Show the deployment: stack, code, switches, heartbeat, queues, and the last incident.

    It judges nothing: 'srectl doctor' does. What could not be read is said.
    """
    # Together with what draws the same for the console; other commands need none of it.
    from srectl.console.standing import page as read

    page = read(account, now)
    print_json(page) if as_json else _tell(page)


def _needing(count: int) -> str:
    return f"{count} need{'s' if count == 1 else ''} somebody"


def _tell(page: dict[str, Any]) -> None:
    stack = page["stack"]
    if stack:
        console.print(
            f"[bold]stack[/]      {safe(stack['name'])} {safe(stack['status'])}, "
            f"changed {when(stack['changed_at'])}"
        )
        console.print(f"[bold]webhook[/]    {safe(stack['webhook'])}")
    for name, code in (page["code"] or {}).items():
        console.print(
            f"[bold]code[/]       {safe(name)} {safe(code['sha256'][:12])}, "
            f"since {when(code['changed_at'].replace('+0000', '+00:00'))}"
        )
    switched = page["runbooks_switched"]
    own = ", ".join(f"{name} {mode}" for name, mode in sorted(switched.items()))
    console.print(f"[bold]mode[/]       {safe(page['mode'])}" + (f"; {safe(own)}" if own else ""))
    for window in page["windows"]:
        only = f"{safe(held(window['target']))} only, " if window.get("target") else ""
        console.print(
            f"[bold]window[/]     {only}{when(window['start'])} to {when(window['end'])}: "
            f"{safe(window['reason'])}"
        )
    canary = page["canary"]
    if canary:
        at = f", {when(canary['at'])}" if canary["at"] else ""
        console.print(f"[bold]heartbeat[/]  {safe(canary['status'])}{at}")
    queues = ", ".join(f"{name} [red]{count}[/]" for name, count in page["queues"].items())
    console.print(f"[bold]undelivered[/] {queues or 'nothing'}")
    more = " or more" if page["more_open"] else ""
    console.print(
        f"[bold]incidents[/]  {page['open']}{more} open: {_needing(page['needs_somebody'])}, "
        + "".join(
            f"{each['incidents']} in hand of {safe(each['by'])}, " for each in page["in_hand"]
        )
        + f"{page['at_work']} at work"
    )
    last = page["last_incident"]
    if last:
        console.print(
            f"[bold]last[/]       {safe(str(last['incident_id'])[:_SHORT])} {safe(last['status'])} "
            f"{safe(last['alert_name'])} {target_of(last['target'])}, {when(last['timestamp'])}"
        )
    for problem in page["not_read"]:
        console.print(f"[yellow]not read[/]   {safe(problem)}")
