"""``srectl runbooks enable`` and ``disable``: one runbook acts, or only says what it would do."""

from __future__ import annotations

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, safe
from srectl.commands.output import output_option, print_json
from srectl.errors import CommandFailed
from srectl.operate import catalogue as publishing
from srectl.operate import switches
from srectl.operate.account import Account
from srectl.operate.plans import own_mode
from srectl.steps import steps_of

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
    there = publishing.published(account.dynamodb, account.runbooks_table)
    found = there.get(name)
    if found is None or found.answered_by or "evidence_only" in found.definition:
        raise CommandFailed(f"there is no runbook {name} to switch: {_instead(name, found)}", _HINT)
    if wanted == "on" and found.definition.get("enabled") is False:
        raise CommandFailed(
            f"runbook {name} is disabled in its file (enabled: false)",
            "take that out, publish it, and say this again",
        )
    parameter = account.own_modes_parameter
    before = own_mode(found.definition, switches.read_own_modes(account.ssm, parameter))
    if before != wanted:
        switches.set_own_mode(account.ssm, parameter, name, wanted)
    alerts = [name, *found.definition.get("answers", ())]
    if as_json:
        told = {"runbook": name, "mode": wanted, "before": before, "alerts": alerts}
        print_json({**told, "parameter": parameter})
        return
    was = f"[bold]{wanted}[/] (was {safe(before)})" if before != wanted else f"{wanted} already"
    console.print(f"{safe(name)}: {was}, in parameter {safe(parameter)}")
    asks = all(step["approval"]["required"] for step in steps_of(found.definition))
    does = publishing.actions_told(found.definition)
    what = {
        "on": f"{'asks a human, then does' if asks else 'does'} {does}",
        "observe": f"only says that it would do {does}, and a human is called",
    }[wanted]
    console.print(f"  from the next incident on it {safe(what)}")
    console.print(f"  for {safe(', '.join(alerts))}")


_HINT = "'srectl runbooks list' names them"


def _instead(name: str, found: publishing.Published | None) -> str:
    if found is None:
        return "nothing of this name is published"
    if found.answered_by:
        return f"an alert of this name is answered by runbook {found.answered_by}"
    return f"{name} is an alert that is answered with evidence only"
