"""``srectl logs``: what a process, a pod or a function of the stack wrote."""

from __future__ import annotations

from pathlib import Path

import click

from onemachine.commands.options import name_option, read_state
from onemachine.processes.log_tail import tail
from onemachine.stack.function_logs import FunctionLogs
from onemachine.stack.state import StackFolder, StackState
from srectl.errors import CommandFailed

_FUNCTIONS = ("alert-ingest", "runbook-action")


@click.command()
@click.argument("source", required=False)
@name_option()
@click.option(
    "--tail", "lines", type=click.IntRange(1, 100_000), default=100, show_default=True,
    help="How many of the last lines to show.",
)  # fmt: skip
def logs(source: str | None, folder: StackFolder, lines: int) -> None:
    """Show the log of SOURCE, or without it the names that there are.

    SOURCE is a process (kube-apiserver, prometheus, …), a pod (pod/checkout-…), or a Lambda
    function (alert-ingest, runbook-action).
    """
    state = read_state(folder)
    if source is None:
        for name in [*sorted(log_files(folder)), *_FUNCTIONS]:
            click.echo(name)
    else:
        click.echo(read_log(source, folder, state, lines))


def read_log(source: str, folder: StackFolder, state: StackState, lines: int) -> str:
    """Give the last lines of a log.

    Raises
    ------
    CommandFailed
        There is none of that name, or what keeps it is not running.
    """
    if source in _FUNCTIONS:
        return _function_log(source, folder, state, lines)
    files = log_files(folder)
    if source not in files:
        raise CommandFailed(
            f"the stack {folder.name!r} has no log named {source!r}",
            "'srectl logs' lists the names",
        )
    return tail(files[source], lines)


def log_files(folder: StackFolder) -> dict[str, Path]:
    """Give the log files of a stack by the name of their source."""
    found = {path.stem: path for path in folder.logs.glob("*.log")}
    pods = folder.path / "node-agent" / "pods"
    for path in pods.glob("*_*/*.log"):
        pod = path.parent.name.partition("_")[2]
        found[f"pod/{pod}"] = path
    return found


def _function_log(name: str, folder: StackFolder, state: StackState, lines: int) -> str:
    if not folder.is_supervised():
        raise CommandFailed(
            f"the log of {name} is in CloudWatch of the local AWS, which is not running",
            f"start it with 'srectl up --name {folder.name}'",
        )
    return FunctionLogs.of(state).tail(name, lines)
