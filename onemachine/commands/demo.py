"""``srectl local demo``: break checkout, touch nothing, and watch the platform repair it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from onemachine.commands.options import (
    ensure_binaries,
    name_option,
    realistic_option,
    template_option,
)
from onemachine.commands.stage_display import StageDisplay
from onemachine.demo.performance import Performance, Teller
from onemachine.demo.play import Play
from onemachine.demo.report import Account, show, write
from onemachine.demo.runner import Demo
from onemachine.demo.scenarios import SCENARIOS
from onemachine.demo.watch import Reached
from onemachine.project import PROJECT_ROOT
from onemachine.stack.control import AlreadyRunning, StackRequest
from onemachine.stack.progress import Event
from onemachine.stack.state import StackFolder
from onemachine.traffic import DEMO_ORDERS_PER_SECOND
from srectl.commands.display import console
from srectl.errors import CommandFailed, ExitCode

_TTL_SECONDS = 3600.0
_CODES = {
    "resolved": ExitCode.OK,
    "not-started": ExitCode.FAILED,
    "stalled": ExitCode.STALLED,
    "escalated": ExitCode.ESCALATED,
    "not-proven": ExitCode.NOT_PROVEN,
}


class _Narrator(Teller):
    """Tells on the terminal."""

    def __init__(self) -> None:
        self._stages = StageDisplay()

    def setup(self, event: Event) -> None:
        self._stages(event)

    def note(self, text: str) -> None:
        console.print(escape(text))

    def reached(self, reached: Reached, since_fault: float) -> None:
        detail = f" [dim]{escape(reached.sighting.detail)}[/]" if reached.sighting.detail else ""
        console.print(f"  [green]✓[/] {since_fault:6.1f} s  {reached.milestone.what}{detail}")


@click.command()
@name_option("demo")
@template_option
@realistic_option
@click.option(
    "--scenario",
    "scenario_name",
    type=click.Choice(list(SCENARIOS)),
    envvar="SCENARIO",
    help="Break the cluster instead, with kube-state-metrics watching it. [env: SCENARIO]",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    default=PROJECT_ROOT / "build" / "demo" / "report.json",
    show_default="build/demo/report.json",
    help="Where to write the account as JSON.",
)
@click.pass_context
def demo(
    context: click.Context,
    folder: StackFolder,
    template: Path,
    realistic: bool,
    scenario_name: str | None,
    report: Path,
) -> None:
    """Show the whole loop close by itself.

    Starts a stack of its own, waits for healthy traffic, lets checkout fail, and then only watches:
    alert, webhook, incident, runbook, degraded mode, rolling restart, recovery, closed incident.
    Prints a timeline and takes the stack down again.

    With --scenario something else breaks, mostly on a workload that no runbook knows by name: the
    alert that kube-prometheus-stack has for it rings, or checkout's own, and what the platform
    makes of it is watched.

    Exit code 0 only if the incident record says resolved, the action is in it, every pod was really
    replaced and the error ratio really fell. 10: a stage stalled. 11: escalated. 12: not proven.
    """
    scenario = SCENARIOS[scenario_name] if scenario_name else None
    ensure_binaries(*(["kube-state-metrics"] if scenario else []))
    if realistic:
        console.print("waits of production: scrape 15 s, rules 30 s, stabilisation 60 s")
    else:
        console.print("short waits, for the impatient; --realistic keeps those of production")
    request = StackRequest(
        folder,
        template.resolve(),
        realistic,
        _TTL_SECONDS,
        owned=True,
        orders_per_second=scenario.orders_per_second if scenario else DEMO_ORDERS_PER_SECOND,
        cluster_metrics=scenario is not None,
        alertmanager_waits=scenario is not None and scenario.closed_by_data,
        without_rules=tuple(scenario.without_rules) if scenario else (),
    )
    run: Performance = (
        Play(request, _Narrator(), scenario, report.parent / "postmortems")
        if scenario
        else Demo(request, _Narrator())
    )
    try:
        account = run.run()
    except AlreadyRunning as error:
        raise CommandFailed(
            f"the stack {folder.name!r} is already running",
            f"stop it with 'srectl local down --name {folder.name}', or give this demo another "
            "--name",
        ) from error
    finally:
        if run.account.finished_at:
            write(run.account, report)
    show(account, console)
    console.print(f"  report: {report}")
    if run.account.postmortem:
        console.print(f"  post-mortem: {run.account.postmortem}")
    _conclude(account)
    context.exit(int(_CODES[account.outcome]))


def _conclude(account: Account) -> None:
    if account.outcome == "resolved":
        console.print("\n[bold green]The loop closed by itself.[/]")
        return
    if account.log_tail:
        console.print(f"\n[bold]Last lines of {escape(account.log_tail['source'])}[/]")
        console.print(escape(account.log_tail["lines"]))
    console.print(f"\n[bold red]{account.outcome}[/]: {escape(account.problem)}")
    console.print(f"  → the logs of all processes are in build/local/{account.stack}/logs")
