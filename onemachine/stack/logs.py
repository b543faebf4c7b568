"""What the processes, pods and functions of a stack wrote."""

from __future__ import annotations

from pathlib import Path

from onemachine.processes.log_tail import tail
from onemachine.stack.function_logs import FunctionLogs
from onemachine.stack.state import StackFolder, StackState
from srectl.errors import CommandFailed

__all__ = ["FUNCTIONS", "log_files", "read_log"]

FUNCTIONS = ("alert-ingest", "runbook-action")


def read_log(source: str, folder: StackFolder, state: StackState, lines: int) -> str:
    """Give the last lines of a log.

    Raises
    ------
    CommandFailed
        There is none of that name, or what keeps it is not running.
    """
    if source in FUNCTIONS:
        return _function_log(source, folder, state, lines)
    files = log_files(folder)
    if source not in files:
        raise CommandFailed(
            f"the stack {folder.name!r} has no log named {source!r}",
            "'srectl local logs' lists the names",
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
            f"start it with 'srectl local up --name {folder.name}'",
        )
    return FunctionLogs.of(state).tail(name, lines)
