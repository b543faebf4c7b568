"""``srectl mode``: the kill switch of automatic remediation."""

from __future__ import annotations

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, safe
from srectl.commands.output import output_option, print_json
from srectl.operate import switches
from srectl.operate.account import Account

_MEANING = {
    "on": "runbooks act",
    "observe": "runbooks only record what they would do, and escalate",
    "off": "every alert goes to a human",
}


@click.command()
@click.argument("mode", type=click.Choice(switches.MODES), required=False)
@output_option
@account_option
def mode(mode: str | None, as_json: bool, account: Account) -> None:
    """Show the mode of automatic remediation, or set it.

    \b
    on       runbooks act
    observe  runbooks only record what they would do, and escalate
    off      every alert goes to a human

    Holds for every incident from now on; a runbook that has begun goes on.
    """
    parameter = account.mode_parameter
    before = None
    if mode is None:
        mode = switches.read_mode(account.ssm, parameter)
    else:
        before = switches.set_mode(account.ssm, parameter, mode)
    if as_json:
        print_json({"mode": mode, "parameter": parameter, "before": before})
        return
    was = f" (was {safe(before)})" if before and before != mode else ""
    meaning = _MEANING.get(mode, "not a mode: every alert goes to a human")
    console.print(f"[bold]{safe(mode)}[/]{was}: {meaning}")
