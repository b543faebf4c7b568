"""``srectl local down``: stop a stack."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import click

from onemachine.commands.options import DEFAULT_NAME, name_option, running_stacks
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
    _refuse_unknown(folder)
    try:
        outcome = stop_stack(folder, StageDisplay())
    except StackFailed as error:
        raise CommandFailed(f"the stack {folder.name!r} is not down: {error}") from error
    if as_json:
        told = {"was_running": outcome.was_running, "killed": outcome.killed}
        print_json({"name": folder.name, **told})
    if not outcome.was_running:
        others = _running()
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


def _running() -> str:
    return ", ".join(f"'srectl local down --name {each.name}'" for each in running_stacks())


def _refuse_unknown(folder: StackFolder) -> None:
    """Refuse a name that no stack ever had here.

    The one that is meant where none is named is refused only where others run: `make down` may come
    before the first `make up`.
    """
    others = _running()
    if folder.path.exists() or (folder.name == DEFAULT_NAME and not others):
        return
    raise CommandFailed(
        f"there is no stack named {folder.name!r}",
        f"here runs what {others} stops" if others else "none runs on this machine",
    )
