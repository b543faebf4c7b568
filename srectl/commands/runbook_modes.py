"""``srectl runbooks enable`` and ``disable``: one runbook acts, or only says what it would do."""

from __future__ import annotations

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, safe
from srectl.commands.output import output_option, print_json
from srectl.operate import runbook_switch
from srectl.operate.account import Account

__all__ = ["disable", "enable"]


@click.command()
@click.argument("name")
@output_option
@account_option
def enable(name: str, as_json: bool, account: Account) -> None:
    """Let a published runbook act, from the next incident on.

    It acts only where the platform does, too ('srectl mode'). Said again it changes nothing. Who
    has switched what and when stands in the history of the parameter that it names.
    """
    _switch(account, name, "on", as_json=as_json)


@click.command()
@click.argument("name")
@output_option
@account_option
def disable(name: str, as_json: bool, account: Account) -> None:
    """Let a published runbook only say what it would do, and call a human.

    Holds from the next incident on; a remediation that has begun goes on.
    """
    _switch(account, name, "observe", as_json=as_json)


def _switch(account: Account, name: str, wanted: str, *, as_json: bool) -> None:
    found = runbook_switch.switch(account, name, wanted)
    parameter, before = account.own_modes_parameter, found.mode
    if as_json:
        told = {"runbook": name, "mode": wanted, "before": before, "alerts": found.alerts}
        print_json({**told, "parameter": parameter})
        return
    was = f"[bold]{wanted}[/] (was {safe(before)})" if before != wanted else f"{wanted} already"
    console.print(f"{safe(name)}: {was}, in parameter {safe(parameter)}")
    console.print(f"  from the next incident on it {safe(found.told(wanted))}")
    console.print(f"  for {safe(', '.join(found.alerts))}")
