"""``srectl runbooks enable``, ``ask`` and ``disable``: what one runbook may do by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, now, safe
from srectl.commands.output import agreed, output_option, print_json
from srectl.commands.story import duration_of
from srectl.errors import CommandFailed
from srectl.operate import recent, runbook_switch, spans, switches
from srectl.operate.account import Account
from srectl.operate.track_record import is_planned_only, outcome, tallies

__all__ = ["ask", "disable", "enable"]


_reason_option = click.option(
    "--reason",
    default="",
    help=f"Why; up to {switches.MOST_REASON} characters, beside who and when.",
)
# Whoever writes a script says it of each of the three.
_nothing_is_asked_option = click.option(
    "--yes", "-y", is_flag=True, expose_value=False, help="Taken as by 'enable'; nothing is asked."
)


@click.command()
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@_reason_option
@output_option
@account_option
def enable(name: str, yes: bool, reason: str, as_json: bool, account: Account) -> None:
    """Let a published runbook act, from the next incident on.

    Shows what it has come to in the last 30 days, acting or only saying what it would do, and asks.
    It acts only where the platform does, too ('srectl mode'). Said again it changes nothing. Who
    has switched what, when and why stands in the history of the parameter that it names.
    """
    found = runbook_switch.read(account, name)
    if found.mode == "on" or found.is_disabled:
        _switch(account, name, "on", reason, as_json=as_json)
        return
    if not as_json:
        does = "asks first" if found.mode == "ask" else "observes"
        console.print(f"{safe(name)} {does}; on, it {safe(found.told('on'))}")
        console.print(f"  for {safe(', '.join(found.alerts))}")
        for line in _record(account, name):
            console.print(f"  {safe(line)}")
    agreed(f"Let {name} act?", yes=yes, as_json=as_json)
    # Of what was shown: one that was published anew meanwhile is looked at again.
    _switch(account, name, "on", reason, as_json=as_json, shown=found.state)


@click.command()
@click.argument("name")
@_nothing_is_asked_option
@_reason_option
@output_option
@account_option
def ask(name: str, reason: str, as_json: bool, account: Account) -> None:
    """Let a published runbook ask a human before each step that changes something.

    Holds on every target and from the next incident on; a remediation that has begun goes on.
    'srectl runbooks enable' lets it act by itself again, 'disable' lets it do nothing.
    """
    _switch(account, name, "ask", reason, as_json=as_json)


@click.command()
@click.argument("name")
@_nothing_is_asked_option
@_reason_option
@output_option
@account_option
def disable(name: str, reason: str, as_json: bool, account: Account) -> None:
    """Let a published runbook only say what it would do, and call a human.

    Holds from the next incident on; a remediation that has begun goes on.
    """
    _switch(account, name, "observe", reason, as_json=as_json)


def _record(account: Account, name: str) -> Iterator[str]:
    """Say what became of what it did, and of what it only planned."""
    since, span = now() - spans.RECORD, spans.words(spans.RECORD)
    try:
        found = recent.since(account.dynamodb, account.incidents_table, since)
    except CommandFailed as error:  # a right that somebody lacks must not keep it from being asked
        yield f"its record could not be read: {error.message}"
        return
    planned = [each for each in found.records if is_planned_only(each, name)]
    by = Counter(outcome(each) for each in planned)
    if planned:
        yield (
            f"in {span} it only said what it would do for {len(planned)}: {by['itself']} ended by "
            f"themselves, {by['human']} by a human, {by['automation']} by another runbook, "
            f"{by['open']} not over"
        )
    did = tallies(found.records).get(name)
    if did:
        yield (
            f"in {span} it ran {did.ran}, acted {did.acted}, helped {did.helped}, undone "
            f"{did.undone}, escalated {did.escalated}, MTTR {duration_of(did.mttr_seconds)}"
        )
    if not planned and not did:
        yield f"in {span} no incident was for it: there are no numbers of what it does"
    if found.more:
        yield "there are more incidents than were looked at: these numbers are too small"


def _switch(
    account: Account,
    name: str,
    wanted: str,
    reason: str,
    *,
    as_json: bool,
    shown: str | None = None,
) -> None:
    found = runbook_switch.switch(account, name, wanted, shown, reason)
    parameter, before = account.own_modes_parameter, found.mode
    if as_json:
        told = {"runbook": name, "mode": wanted, "before": before, "alerts": found.alerts}
        print_json({**told, "parameter": parameter})
        return
    was = f"[bold]{wanted}[/] (was {safe(before)})" if before != wanted else f"{wanted} already"
    console.print(f"{safe(name)}: {was}, in parameter {safe(parameter)}")
    console.print(f"  from the next incident on it {safe(found.told(wanted))}")
    console.print(f"  for {safe(', '.join(found.alerts))}")
