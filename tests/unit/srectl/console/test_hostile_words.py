"""What alerts, locks, switches and queues say is text on a terminal, too, and never drives it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from srectl.cli import cli
from tests.support.console_scene import HOSTILE_KIN, Scene, deployment, hostile

# Markup of rich, what drives a terminal, begins a line, or turns one around.
TEXT = "[bold red]it[/]\x1b[2J\nFORGED\r\x9b31m\x07\u202egnp\u2066"
DRIVES = ("\x1b", "\x07", "\x9b", "\r", "\u202e", "\u2066")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as account:
        made = Scene(account, datetime.datetime.now(datetime.UTC))
        made.night()
        hostile(made, TEXT)
        yield made


def srectl(scene: Scene, *words: str) -> Result:
    runner = CliRunner(env={"SRECTL_PREFIX": scene.account.prefix, "COLUMNS": "200"})
    return runner.invoke(cli, words)


@pytest.mark.parametrize(
    "words",
    [
        ("handover",),
        ("show", HOSTILE_KIN),
        ("show", "66666666-dead-4000-8000-000000000066"),
        ("incidents", "list"),
        ("maintenance", "list"),
        ("runbooks", "report"),
        ("dlq", "show", "parked"),
        ("alerts", "top"),
    ],
)
def test_nothing_of_an_alert_drives_a_terminal(scene: Scene, words: tuple[str, ...]) -> None:
    answer = srectl(scene, *words)
    assert answer.exit_code == 0, answer.output
    assert not any(each in answer.output for each in DRIVES)
    assert not any(line.startswith("FORGED") for line in answer.output.splitlines())
    assert "[bold red]it[/]" in answer.output
