"""``srectl console``: the incidents in a browser, on this machine only."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from srectl.commands.display import console as terminal
from srectl.commands.operating import account_option, by_option, safe
from srectl.commands.output import output_option, print_json
from srectl.operate import persons, switches
from srectl.operate.account import Account


@click.group(invoke_without_command=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on 127.0.0.1.  [default: any that is free]",
)
@click.option("--read-only", is_flag=True, help="For a wall screen: nothing can be done.")
@click.option(
    "--idle",
    "minutes",
    type=click.IntRange(1, 10_080),
    default=60,
    show_default=True,
    help="End after so many minutes in which no page is open.",
)
@click.option("--open/--no-open", "opens", default=False, help="Open the browser, too.")
@by_option
@account_option
@click.pass_context
def console(
    context: click.Context,
    port: int,
    read_only: bool,
    minutes: int,
    opens: bool,
    by: str,
    account: Account,
) -> None:
    """Show the incidents in a browser, and answer, acknowledge, close, undo and switch there.

    Its button 'I have it' acknowledges: the pager calls nobody else, and a runbook that is at work
    goes on ('srectl take' stops it). Listens on 127.0.0.1 only. The address that it prints is good
    once, in one browser. Ctrl-C ends it. It does what the commands do, with your AWS credentials.
    """
    if context.invoked_subcommand:
        return
    from srectl.console.app import create
    from srectl.console.serving import Server

    _ask(account)
    # Nothing stands in a record of who only looks on.
    by = "" if read_only else persons.named(account, by)
    made = create(account, by=by, read_only=read_only)
    made.reading.prepare()
    server = Server(made, port, minutes * 60)
    # Not by the terminal's console, which would break the line.
    click.echo(server.address)
    terminal.print(
        f"[dim]good once, in one browser; Ctrl-C ends it, and so do {minutes} minutes in which no "
        "page is open[/]"
    )
    if opens:
        webbrowser.open(server.address)
    server.run()


@console.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@output_option
@account_option
def export(folder: Path, as_json: bool, account: Account) -> None:
    """Write the pages as files into DIR, for whoever has no credentials.

    What evidence and alerts say is in them: nobody but you may read them until you say so.
    """
    from srectl.console.export import export as exporting

    _ask(account)
    count = exporting(account, folder)
    terminal.print(f"[green]✓[/] {count} files: open {safe(folder / 'index.html')}")
    if as_json:
        print_json({"files": count, "index": str(folder / "index.html")})


def _ask(account: Account) -> None:
    """Say of a wrong account or prefix here, where it can be mended."""
    switches.read_mode(account.ssm, account.mode_parameter)
