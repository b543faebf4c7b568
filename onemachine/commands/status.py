"""``srectl local status``: what runs on this machine, and how it is."""

from __future__ import annotations

import dataclasses
import datetime
import time

import click
from rich.markup import escape
from rich.table import Table

from onemachine.commands.options import (
    StackName,
    nearest_name_option,
    nearest_stack,
    read_state,
)
from onemachine.stack.canary import last_canary
from onemachine.stack.clients import client_of
from onemachine.stack.state import ProcessRecord, StackFolder, StackState
from srectl.commands.display import console
from srectl.commands.operating import account_option
from srectl.commands.output import output_option, print_json
from srectl.errors import ExitCode
from srectl.operate.account import Account
from srectl.operate.environments import account_is_chosen


@click.command()
@nearest_name_option
@output_option
@click.pass_context
def status(context: click.Context, folder: StackFolder, as_json: bool) -> None:
    """Show a stack: its processes, endpoints and until when it runs.

    Exit code 0: ready. 3: not running, or not ready yet. 4: degraded, a process of it died.
    """
    state = read_state(folder)
    phase = effective_phase(folder, state)
    if as_json:
        print_json({**dataclasses.asdict(state), "phase": phase})
    else:
        _show(folder, state, phase)
    codes = {"ready": ExitCode.OK, "degraded": ExitCode.DEGRADED}
    context.exit(int(codes.get(phase, ExitCode.NOT_RUNNING)))


def effective_phase(folder: StackFolder, state: StackState) -> str:
    """Give how the stack really is: the state file cannot know that its writer was killed."""
    if not folder.is_supervised():
        return state.phase if state.phase in ("stopped", "failed") else "stopped"
    if state.phase == "ready" and not all(map(_lives, state.processes.values())):
        return "degraded"
    return state.phase


def _lives(record: ProcessRecord) -> bool:
    return record.identity.alive()


def _show(folder: StackFolder, state: StackState, phase: str) -> None:
    colour = {"ready": "green", "degraded": "red", "failed": "red"}.get(phase, "yellow")
    console.print(f"stack [bold]{folder.name}[/]: [{colour}]{phase}[/]")
    if state.problem:
        console.print(f"  {escape(state.problem)}")
    if phase in ("stopped", "failed"):
        console.print(f"  logs of its last run: {folder.logs}")
        return
    until = datetime.datetime.fromtimestamp(state.expires_at).astimezone()
    age = int(time.time() - state.started_at)
    console.print(
        f"  running for {age // 60} min {age % 60} s, stops by itself at {until:%H:%M:%S}; "
        f"waits are {'those of production' if state.realistic else 'shortened'}"
    )
    processes = Table("process", "pid", "state", box=None, padding=(0, 2, 0, 0))
    processes.add_column("log", overflow="fold")
    for name, record in sorted(state.processes.items()):
        lives = _lives(record)
        how = "running" if lives else "[red]died[/]"
        if record.exit_code is not None:
            how += f" (exit code {record.exit_code})"
        processes.add_row(name, str(record.pid), how, escape(record.log))
    console.print(processes)
    endpoints = Table("endpoint", box=None, padding=(0, 2, 0, 0))
    endpoints.add_column("where", overflow="fold")
    for name, where in sorted(state.endpoints.items()):
        endpoints.add_row(name, escape(where))
    console.print(endpoints)
    if "canary_arn" in state.settings and phase in ("ready", "degraded"):
        told = last_canary(client_of(state, "stepfunctions"), state.settings["canary_arn"])
        console.print(f"  canary: {escape(told)}")


def either(deployment: click.Command) -> click.Command:
    """Give ``srectl status`` as it is where there are stacks of this machine, too.

    Parameters
    ----------
    deployment
        Shows the deployment of the chosen account.
    """

    @click.command("status", help=deployment.help)
    @click.option(
        "--name", "folder", type=StackName(), help="Show this stack as 'srectl local status' does."
    )
    @output_option
    @account_option
    @click.pass_context
    def shown(
        context: click.Context, folder: StackFolder | None, as_json: bool, account: Account
    ) -> None:
        if folder is None and account_is_chosen():
            context.invoke(deployment, as_json=as_json, account=account)
        else:
            folder = folder or nearest_stack()
            context.invoke(status, folder=folder, as_json=as_json)

    return shown
