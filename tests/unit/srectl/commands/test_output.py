"""Every command tells a program what it tells people, and why it failed, too."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from srectl.cli import cli
from srectl.commands.output import agreed
from srectl.operate import environments
from tests.support.template import ROOT
from tests.unit.srectl.commands.surroundings import COMMANDS, Shell

#: Commands that are not asked for JSON, and why.
WITHOUT_JSON = {
    "completion": "a shell reads what it prints",
    "incidents watch": "it shows again and again; 'srectl incidents list' tells once",
    "mcp": "it speaks the protocol of assistants, which is JSON",
    "console": "it serves pages until it is ended",
    "local up": "it shows what it starts; 'srectl local status' tells the state",
    "local demo": "it tells a story; its account is JSON in the file that --report names",
    "local drill": "it tells a story; its account is JSON in the file that --report names",
}


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the words of every command that does something, groups that do so with them."""
    if not isinstance(command, click.Group) or (path and command.invoke_without_command):
        yield path
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            if not below.hidden:  # an older name of another
                yield from commands(below, (*path, name))


def found(words: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.setattr(environments, "_entries", lambda: ())
    return Shell(monkeypatch, tmp_path)


def run(*words: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(cli, words)


def test_every_command_has_a_json_form_or_a_reason() -> None:
    without = {
        " ".join(words)
        for words in commands(cli)
        if "json" not in getattr(option(found(words)), "choices", ())
    }
    assert without == set(WITHOUT_JSON)


def option(command: click.Command) -> object:
    """Give what ``--output`` of a command takes; None where it has none."""
    return next((each.type for each in command.params if each.name == "output"), None)


def test_older_names_are_other_names_of_the_same_commands() -> None:
    local = found(("local",))
    assert isinstance(local, click.Group)
    older = {name for name, each in cli.commands.items() if each.hidden}
    assert older == set(local.commands) - {"status"}
    for name in older:
        assert cli.commands[name].callback is local.commands[name].callback


def test_every_command_stands_in_the_guide_with_its_form() -> None:
    guide = (ROOT / "docs" / "srectl.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z -]+)` \| .+ \| (.+) \|$", guide, re.MULTILINE)
    assert [name for name, _ in rows] == sorted(" ".join(words) for words in commands(cli))
    assert {name for name, form in rows if form.startswith("none:")} == set(WITHOUT_JSON)


@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in WITHOUT_JSON])
def test_why_it_failed_is_one_line_of_json(shell: Shell, command: str) -> None:
    told = run(*command.split(), "--output", "json")
    assert told.stdout == ""
    error = json.loads(told.stderr)["error"]
    assert told.stderr.count("\n") == 1
    said = run(*command.split())
    assert said.stderr == f"error: {error['message']}\n  → {error['hint']}\n"
    assert told.exit_code == said.exit_code == error["exit_code"]


@pytest.mark.parametrize(
    "words",
    [
        ("mode", "loud", "--json"),
        ("mode", "--bogus", "--output=json"),
        ("incidents", "--output", "json", "list"),
        ("bogus", "--json"),
        ("--bogus", "--json"),
        ("maintenance", "add", "--reason", "x", "--output", "json"),
        ("incidents", "list", "--watch", "--output", "json"),
        ("install", "--output", "json"),
    ],
)
def test_a_wrong_command_line_is_told_so_too(shell: Shell, words: tuple[str, ...]) -> None:
    shell.account()
    told = run(*words)
    assert (told.stdout, told.exit_code) == ("", 2)
    error = json.loads(told.stderr)["error"]
    assert error["exit_code"] == 2
    assert "--help' says what it takes" in error["hint"]


def test_where_nobody_can_be_asked_what_to_type_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("click.termui.visible_prompt_func", gone)
    with pytest.raises(click.UsageError, match="nobody is here to be asked: say --yes"):
        agreed("Do it?", yes=False, as_json=False)


def test_who_says_no_is_told_that_nothing_was_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    with pytest.raises(click.ClickException) as refused:
        agreed("Do it?", yes=False, as_json=False)
    refused.value.show()
    assert capsys.readouterr().err == "nothing was changed\n"
    assert refused.value.exit_code == 1


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("list", "'srectl incidents list' or 'srectl maintenance list' or 'srectl runbooks list'"),
        ("erase", "'srectl incidents erase'"),
        ("aprove", "'srectl approve'"),
        ("incident", "'srectl incidents'"),
    ],
)
def test_a_command_that_stands_elsewhere_is_named(given: str, known: str) -> None:
    told = run(given)
    assert told.exit_code == 2
    assert f"No such command '{given}': did you mean {known}" in told.stderr
    assert "did you mean" not in run("bogus").stderr


def test_people_are_told_as_before() -> None:
    told = run("mode", "loud")
    assert told.exit_code == 2
    assert told.stderr.startswith("Usage: ")


def on_a_terminal(*words: str, **more: str) -> str:
    """Run srectl on a terminal of its own, and give all that came."""
    ours, theirs = pty.openpty()
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    with subprocess.Popen(
        [sys.executable, "-m", "srectl.cli", *words],
        cwd=ROOT,
        env={**variables, **more},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                some = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not some:
                break
            shown += some
        process.wait(30)
    os.close(ours)
    return shown.decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])m")
BAD = ("runbooks", "plan", "--event", "events/alertmanager/firing.json", "--namespaces", "none")


def test_colours_are_for_a_terminal_that_wants_them() -> None:
    missing = ("runbooks", "validate", "--folder", "/nowhere")
    assert COLOUR.search(on_a_terminal(*BAD))
    assert COLOUR.search(on_a_terminal(*missing))
    for words in (BAD, missing):
        plain = on_a_terminal(*words, NO_COLOR="1")
        assert plain
        assert not COLOUR.search(plain)
        said = run(*words)
        assert "\x1b" not in said.stdout + said.stderr
