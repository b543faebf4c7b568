"""What an operator's shell says to every command at once, and lists with commas."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from srectl.cli import cli
from tests.support import operators_choices


def variables(command: click.Command) -> Iterator[str]:
    """Give the variables of the environment that stand for options of a command or one below."""
    for option in command.params:
        named = option.envvar or ()
        yield from [named] if isinstance(named, str) else named
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from variables(below)


def test_no_test_hears_what_the_callers_shell_says_to_commands() -> None:
    assert sorted(set(variables(cli))) == sorted(operators_choices.VARIABLES)
    assert not set(operators_choices.VARIABLES) & set(os.environ)
    shell = dict.fromkeys((*operators_choices.VARIABLES, "PATH"), "x")
    operators_choices.forget(shell)
    assert shell == {"PATH": "x"}


@pytest.mark.parametrize(
    ("option", "given", "said"),
    [
        ("--namespaces", "apps,,shop", "'apps,,shop' has a comma too many, or no name at all"),
        ("--namespaces", "", "has a comma too many, or no name at all"),
        ("--namespaces", "apps,Shop", "'Shop' is not a namespace: small letters, digits and '-'"),
        ("--namespaces", "team-*", "'team-*' is not a namespace"),
        ("--severities", "critical,urgent", "'urgent' is not one of critical, warning, info"),
    ],
)
def test_a_list_of_what_is_no_name_is_refused(option: str, given: str, said: str) -> None:
    answer = CliRunner().invoke(cli, ["runbooks", "validate", option, given])
    assert answer.exit_code == 2
    assert said in " ".join(answer.output.split())


def test_a_list_may_have_blanks() -> None:
    given = ["--severities", " critical, warning", "--namespaces", "apps, shop"]
    answer = CliRunner().invoke(cli, ["runbooks", "validate", *given])
    assert answer.exit_code == 0, answer.output
