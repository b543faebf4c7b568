"""``srectl console``: the incidents in a browser, on this machine only."""

from __future__ import annotations

import webbrowser

import click

from srectl.commands.display import console as terminal
from srectl.commands.operating import account_option, by_option
from srectl.operate import switches
from srectl.operate.account import Account


@click.command()
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
def console(
    port: int, read_only: bool, minutes: int, opens: bool, by: str, account: Account
) -> None:
    """Show the incidents in a browser, and answer, take, undo and switch there.

    Listens on 127.0.0.1 only. The address that it prints is good once, in one browser. Ctrl-C ends
    it. It does what the commands do, with your AWS credentials.
    """
    from srectl.console.app import create
    from srectl.console.serving import Server

    # A wrong account or prefix is told here, where it can be mended.
    switches.read_mode(account.ssm, account.mode_parameter)
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
