"""``srectl local drill``: break one part for real, see it noticed, bring it back."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
from rich.markup import escape

from onemachine.commands.options import (
    StackName,
    ensure_binaries,
    name_option,
    running_state,
    template_option,
)
from onemachine.commands.stage_display import StageDisplay
from onemachine.drill.report import Account, Step, Teller, write
from onemachine.drill.runner import ALL, DRILLS, Drills
from onemachine.project import PROJECT_ROOT
from onemachine.stack.control import AlreadyRunning, StackFailed, StackRequest
from onemachine.stack.state import StackFolder
from onemachine.traffic import FEW_ORDERS_PER_SECOND
from srectl.commands.display import console
from srectl.errors import CommandFailed, ExitCode

_TTL_SECONDS = 3600.0
_SHOWN_WIDTH = 150
_COLOURS = {"break": "red", "detect": "yellow", "recover": "cyan", "prove": "green"}


class _Narrator(Teller):
    """Tells on the terminal."""

    def begun(self, account: Account) -> None:
        console.print(f"\n[bold]{account.name}[/]: {escape(account.what)}")

    def step(self, step: Step) -> None:
        mark = "[green]✓[/]" if step.held else "[red]✗[/]"
        colour = _COLOURS.get(step.kind, "dim")
        waited = f" [dim]{step.took:.1f} s[/]" if step.took >= 1 else ""
        detail = f" [dim]{escape(_one_line(step.detail))}[/]" if step.detail else ""
        console.print(
            f"  {step.at:6.1f} s  [{colour}]{step.kind:<7}[/] {mark} {escape(step.what)}"
            f"{waited}{detail}"
        )
        if step.command:
            console.print(f"                       [dim]$ {escape(_typed(step))}[/]")

    def ended(self, account: Account) -> None:
        if account.outcome == "held":
            console.print(f"  [green]held[/] in {account.seconds:.0f} s")
            return
        console.print(f"  [bold red]{account.outcome}[/]: {escape(account.problem)}")
        if account.next_step:
            console.print(f"    where: {escape(account.where)}")
            console.print(f"    → {escape(account.next_step)}")


def _typed(step: Step) -> str:
    return _one_line(shlex.join(step.command))


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN_WIDTH else f"{flat[: _SHOWN_WIDTH - 1]}…"


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--stack",
    "running",
    type=StackName(),
    help="Drill on this running stack, which stays up, instead of on a stack of its own. Its "
    "checkout is restarted, its alarms ring.",
)
@name_option("drill")
@template_option
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    default=PROJECT_ROOT / "build" / "drill" / "report.json",
    show_default="build/drill/report.json",
    help="Where to write the account as JSON.",
)
def drill(
    names: tuple[str, ...],
    running: StackFolder | None,
    folder: StackFolder,
    template: Path,
    report: Path,
) -> None:
    """Rehearse a disaster on this machine: NAME is one or several of these, or 'all'.

    \b
    ingest   alert-ingest fails on every call; then the bus refuses what it sends
    cluster  the API server of the cluster answers nothing
    target   EventBridge may not start the recorder any more
    table    the table of incidents is deleted

    Each breaks the real thing, waits until alarms and notifications tell of it, brings it back with
    the commands of docs/disaster-recovery.md, and counts: nothing lost, nothing remediated twice.
    It never touches an AWS account, only the one-machine stack.

    Exit code 0 only if every expectation held.
    """
    chosen = list(ALL) if "all" in names else list(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in DRILLS]
    if unknown:
        raise click.BadParameter(
            f"{', '.join(unknown)}: drills are {', '.join(DRILLS)}, or all", param_hint="NAME"
        )
    drills = Drills(chosen, _Narrator())
    try:
        if running is not None:
            state = running_state(running)
            if state.realistic:
                raise CommandFailed(
                    f"the stack {running.name!r} keeps the waits of production",
                    "drill on one that was started without --realistic",
                )
            drills.run_on(running, state)
        else:
            ensure_binaries()
            request = StackRequest(
                folder,
                template.resolve(),
                False,
                _TTL_SECONDS,
                owned=True,
                # What a drill breaks shows in alarms, queues and records, not in failed orders.
                orders_per_second=FEW_ORDERS_PER_SECOND,
            )
            drills.run_on_own_stack(request, StageDisplay())
    except AlreadyRunning as error:
        raise CommandFailed(
            f"the stack {folder.name!r} is already running",
            f"drill on it with --stack {folder.name}, or give these drills another --name",
        ) from error
    except StackFailed as error:
        raise CommandFailed(
            f"the stack {folder.name!r} did not start: {error}", f"the logs are in {folder.logs}"
        ) from error
    finally:
        write(drills.accounts, (running or folder).name, report)
        console.print(f"\nreport: {report}")
    if not drills.held:
        failed = [account.name for account in drills.accounts if account.outcome != "held"]
        raise CommandFailed(
            f"not every expectation held: {', '.join(failed)}",
            "what, where and what to do stand above"
            + ("" if running is None else f"; what a drill had broken on {running.name} is back"),
            ExitCode.FAILED,
        )
