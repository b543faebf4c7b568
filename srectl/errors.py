"""How a command fails: what happened, where, what to do next, and a documented exit code."""

from __future__ import annotations

import os
from enum import IntEnum
from typing import IO, Any

import click

__all__ = ["CommandFailed", "Declined", "ExitCode", "InOthersHands", "NoSuchIncident"]


class ExitCode(IntEnum):
    """Exit codes of ``srectl``; ``srectl --help`` lists them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3
    DEGRADED = 4
    DOUBTFUL = 5
    STALLED = 10
    ESCALATED = 11
    NOT_PROVEN = 12
    INTERRUPTED = 130


class CommandFailed(click.ClickException):
    """A command cannot do what it was asked.

    Parameters
    ----------
    message : str
        What happened and where.
    hint : str
        What to do next.
    code : ExitCode
        Exit code of the process.
    """

    def __init__(self, message: str, hint: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.hint = hint
        self.exit_code = int(code)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it to stderr."""
        # click leaves colours out where there is no terminal, and does not know NO_COLOR.
        colour = None if os.environ.get("NO_COLOR") else "red"
        click.secho("error: ", fg=colour, bold=True, nl=False, err=True, file=file)
        click.echo(self.message, err=True, file=file)
        if self.hint:
            click.echo(f"  → {self.hint}", err=True, file=file)


class Declined(click.ClickException):
    """What a command asked was answered with no, so it did nothing; its exit code is 1."""

    exit_code = int(ExitCode.FAILED)

    def __init__(self) -> None:
        super().__init__("nothing was changed")

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it to stderr; it is no error."""
        click.echo(self.message, err=True, file=file)


class NoSuchIncident(CommandFailed):
    """What was given fits no incident, or several."""


class InOthersHands(CommandFailed):
    """What was to be done is done to an incident that somebody else has in hand."""
