"""``srectl local down``: stop a stack."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import click

from onemachine.commands.options import name_option, running_stacks
from onemachine.commands.stage_display import StageDisplay
from onemachine.stack.control import StackFailed, stop_stack
from onemachine.stack.exports import NAMES
from onemachine.stack.state import StackFolder
from srectl.commands.display import console
from srectl.commands.output import output_option, print_json
from srectl.errors import CommandFailed


@click.command()
@name_option()
@output_option
def down(folder: StackFolder, as_json: bool) -> None:
    """Stop a stack and wait until no process of it is left.

    Its logs and its state stay in build/local until the next start.
    """
    try:
        outcome = stop_stack(folder, StageDisplay())
    except StackFailed as error:
        raise CommandFailed(f"the stack {folder.name!r} is not down: {error}") from error
    if as_json:
        told = {"was_running": outcome.was_running, "killed": outcome.killed}
        print_json({"name": folder.name, **told})
    if not outcome.was_running:
        others = ", ".join(f"'srectl local down --name {each.name}'" for each in running_stacks())
        console.print(
            f"the stack {folder.name} is not running" + (f"; here: {others}" if others else "")
        )
        return
    if outcome.killed:
        console.print(f"{outcome.killed} processes had outlived their supervisor and were killed")
    console.print(f"the stack {folder.name} is down")
    # Else the next command of the shell asks an AWS that is gone, and says so at length.
    if urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in ("127.0.0.1", "localhost"):
        left = " ".join(name for name in NAMES if name in os.environ)
        console.print(f"this shell still points at it: unset {left}", soft_wrap=True)
