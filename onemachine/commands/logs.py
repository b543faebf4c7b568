"""``srectl local logs``: what a process, a pod or a function of the stack wrote."""

from __future__ import annotations

import click

from onemachine.commands.options import nearest_name_option, read_state
from onemachine.stack.logs import FUNCTIONS, log_files, read_log
from onemachine.stack.state import StackFolder
from srectl.commands.output import output_option, print_json


@click.command()
@click.argument("source", required=False)
@nearest_name_option
@click.option(
    "--tail", "lines", type=click.IntRange(1, 100_000), default=100, show_default=True,
    help="How many of the last lines to show.",
)  # fmt: skip
@output_option
def logs(source: str | None, folder: StackFolder, lines: int, as_json: bool) -> None:
    """Show the log of SOURCE, or without it the names that there are.

    SOURCE is a process (kube-apiserver, prometheus, …), a pod (pod/checkout-…), or a Lambda
    function (alert-ingest, runbook-action).
    """
    state = read_state(folder)
    if source is None:
        names = [*sorted(log_files(folder)), *FUNCTIONS]
        print_json(names) if as_json else click.echo("\n".join(names))
        return
    text = read_log(source, folder, state, lines)
    if as_json:
        print_json({"source": source, "lines": text.splitlines()})
    else:
        click.echo(text)
