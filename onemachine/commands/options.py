"""What several commands share: options, looking a stack up, the progress of a start."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from onemachine.binaries import COMPONENTS, BinaryUnavailable, ensure, showing
from onemachine.project import PROJECT_ROOT
from onemachine.stack.state import (
    NameInvalid,
    StackFolder,
    StackState,
    known_stacks,
)
from srectl.commands.display import console
from srectl.errors import CommandFailed, ExitCode

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_NAME = "default"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class StackName(click.ParamType):
    """The name of a stack; becomes its folder."""

    name = "name"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> StackFolder:
        if isinstance(value, StackFolder):
            return value
        try:
            return StackFolder.named(value)
        except NameInvalid as error:
            self.fail(str(error), param, ctx)


class Duration(click.ParamType):
    """A time with its unit, ``90s``, ``30m`` or ``8h``; becomes seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        match = _DURATION.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is no duration: write 90s, 30m or 8h", param, ctx)
        return float(match[1]) * _SECONDS[match[2]]


def name_option(default: str = DEFAULT_NAME) -> Callable[[Command], Command]:
    """Give the option ``--name``."""
    return click.option(
        "--name",
        "folder",
        type=StackName(),
        default=default,
        show_default=True,
        help="Name of the stack; several run side by side.",
    )


def nearest_name_option(command: Command) -> Command:
    """Give the option ``--name`` of what looks at a stack: by itself the one that is meant."""
    return click.option(
        "--name",
        "folder",
        type=StackName(),
        callback=lambda _context, _parameter, folder: folder or nearest_stack(),
        help=f"Name of the stack.  [default: {DEFAULT_NAME}, or the only one that runs]",
    )(command)


def nearest_stack() -> StackFolder:
    """Give the stack that is meant where none is named, as commands for operators find it."""
    meant = StackFolder.named(DEFAULT_NAME)
    running = running_stacks()
    return running[0] if len(running) == 1 and not meant.is_supervised() else meant


def running_stacks() -> list[StackFolder]:
    """Give the stacks that run on this machine, by name."""
    found = []
    for name in known_stacks():
        try:
            folder = StackFolder.named(name)
        except NameInvalid:  # a folder that is none of ours
            continue
        if folder.is_supervised():
            found.append(folder)
    return found


template_option = click.option(
    "--template",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=PROJECT_ROOT / "template.yaml",
    show_default="template.yaml of the project",
    help="SAM template to deploy.",
)

realistic_option = click.option(
    "--realistic",
    is_flag=True,
    envvar="REALISTIC",
    help="Keep the waits of production (scrape 15 s, rules 30 s, stabilisation 60 s) instead of "
    "short ones. [env: REALISTIC=1]",
)


def read_state(folder: StackFolder) -> StackState:
    """Read a stack's state.

    Raises
    ------
    CommandFailed
        There is none, or it cannot be read.
    """
    state = StackState.read(folder)
    if state is None:
        running = ", ".join(f"'--name {each.name}'" for each in running_stacks())
        others = ", ".join(known_stacks())
        raise CommandFailed(
            f"there is no stack named {folder.name!r} (looked in {folder.path})",
            (f"here runs {running}; or " if running else "")
            + f"start it with 'srectl local up --name {folder.name}'"
            + (f"; known names: {others}" if others else ""),
            ExitCode.NOT_RUNNING,
        )
    return state


def running_state(folder: StackFolder) -> StackState:
    """Read the state of a stack that can be used.

    Raises
    ------
    CommandFailed
        It does not run, or is not ready yet.
    """
    state = read_state(folder)
    if not folder.is_supervised():
        raise CommandFailed(
            f"the stack {folder.name!r} is not running",
            f"start it with 'srectl local up --name {folder.name}'",
            ExitCode.NOT_RUNNING,
        )
    if state.phase not in ("ready", "degraded"):
        raise CommandFailed(
            f"the stack {folder.name!r} is {state.phase}",
            f"'srectl local status --name {folder.name}' shows how far it is",
            ExitCode.NOT_RUNNING,
        )
    return state


def ensure_binaries(*optional: str) -> None:
    """Build what is not on this machine yet, showing the progress.

    Done in the foreground, before there is anything that an interruption would have to stop.

    Parameters
    ----------
    *optional : str
        Names of the optional components that are needed, too.

    Raises
    ------
    CommandFailed
        A component is neither here nor can it be built.
    """
    try:
        with showing(console) as progress:
            for name, component in COMPONENTS.items():
                if not component.optional or name in optional:
                    ensure(name, progress)
    except BinaryUnavailable as error:
        raise CommandFailed(str(error)) from error
