"""How ``srectl install`` speaks with the operator: what comes, each command, and the questions."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import click

from srectl.commands.display import console
from srectl.commands.operating import safe
from srectl.errors import CommandFailed
from srectl.installing.plan import Setting, Step
from srectl.installing.walk import Stopped

__all__ = ["Terminal", "question"]


@dataclass(frozen=True)
class Terminal:
    """The operator before a terminal.

    Parameters
    ----------
    yes
        Nobody is asked.
    """

    yes: bool

    def step(self, step: Step, why: str) -> None:
        """Say what comes."""
        console.print(f"\n[bold]{safe(step.id)}[/]: {safe(step.title)}")
        console.print(f"  {safe(why)}")

    def over(self, step: Step, word: str) -> None:
        """Say that nothing is left to do of a step, or nothing was to do."""
        console.print(f"  [green]✓[/] {safe(step.id)}: {safe(word)}")

    def agreed(self, command: str) -> bool:
        """Show a command and ask; no: it was done by hand."""
        for line in command.splitlines():
            console.print(f"    [cyan]{safe(line)}[/]", soft_wrap=True)
        if self.yes:
            return True
        answer = _asked(
            "  run it? (yes, done by hand, quit)",
            type=click.Choice(["y", "d", "q"]),
            default="y",
        )
        if answer == "q":
            raise Stopped
        return bool(answer == "y")


def question(setting: Setting, default: str | None) -> str:
    """Ask for a setting until the answer will do.

    Parameters
    ----------
    default
        What holds if nothing is said.

    Raises
    ------
    CommandFailed
        There is nobody to ask.
    """
    while True:
        value = str(
            _asked(
                f"{setting.name}, {setting.question}",
                default=default,
                hide_input=setting.secret,
            )
        ).strip()
        problem = setting.problem(value)
        if not problem:
            return value
        click.echo(f"  that will not do: {problem}", err=True)


def _asked(question: str, **options: Any) -> Any:
    try:
        return click.prompt(question, err=True, **options)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise CommandFailed(
            "there is nobody to ask", "answer on a terminal, or '--yes' and '--set NAME=VALUE'"
        ) from None
