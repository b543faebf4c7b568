"""``--output json``: what a command has to say, for a program; and so is why it failed.

A command that takes :data:`output_option` is told by ``as_json`` which of the two is wanted. What
it prints for people is left out then, so that its standard output holds one JSON document, or
nothing where it failed: :class:`JsonFailure` says why on standard error, in one line.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import click

from srectl.commands.display import console
from srectl.errors import Declined

__all__ = ["JsonFailure", "agreed", "output_option", "print_json", "wants_json"]

Command = TypeVar("Command", bound=Callable[..., Any])


def output_option(command: Command) -> Command:
    """Let a command be asked for JSON, by ``--output json`` or ``--json``; gives it ``as_json``."""

    @functools.wraps(command)
    def told(*arguments: Any, output: str, as_json: bool, **options: Any) -> Any:
        as_json = as_json or output == "json"
        with _silence(as_json):
            return command(*arguments, as_json=as_json, **options)

    short = click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
    long = click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Whom it is told: people, or a program.",
    )
    return long(short(told))  # type: ignore[return-value]


@contextmanager
def _silence(wanted: bool) -> Iterator[None]:
    """Leave out what is for people."""
    before = console.quiet
    console.quiet = before or wanted
    try:
        yield
    finally:
        console.quiet = before


def print_json(value: object) -> None:
    """Print a value for other programs."""
    click.echo(json.dumps(value, indent=2, sort_keys=True))


def agreed(question: str, *, yes: bool, as_json: bool) -> None:
    """Ask whether to go on; a program is not asked, it has to have said so.

    Raises
    ------
    Declined
        The answer was no.
    click.UsageError
        A program has not said ``--yes``, or there is nobody to ask.
    """
    if yes:
        return
    if as_json:
        raise click.UsageError("with --output json nobody is asked: say --yes, or leave it out")
    try:
        answer = click.confirm(question)
    except click.Abort as abort:
        if not isinstance(abort.__context__, EOFError):
            raise
        click.echo()
        raise click.UsageError("nobody is here to be asked: say --yes") from abort
    if not answer:
        raise Declined


def wants_json(words: Sequence[str]) -> bool:
    """Tell from a command line whether JSON is wanted, also where it is wrong otherwise."""
    pairs = itertools.pairwise(words)
    return not {"--json", "--output=json"}.isdisjoint(words) or ("--output", "json") in pairs


def _help_of(error: click.ClickException) -> str:
    """Say where it stands what a command takes, of one that was asked wrongly."""
    asked = error.ctx if isinstance(error, click.UsageError) else None
    return f"'{asked.command_path} --help' says what it takes" if asked else ""


class JsonFailure(click.ClickException):
    """A failure as a program reads it: one line of JSON on standard error.

    Parameters
    ----------
    error
        What is told, with its exit code.
    """

    def __init__(self, error: click.ClickException) -> None:
        super().__init__(error.format_message())
        self.hint = str(getattr(error, "hint", None) or _help_of(error))
        self.exit_code = error.exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it to stderr."""
        told = {"message": self.message, "hint": self.hint, "exit_code": self.exit_code}
        click.echo(json.dumps({"error": told}, sort_keys=True), err=True, file=file)
