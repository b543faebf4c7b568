"""docs/writing-a-runbook.md is followed to the letter: its files, its commands, what they print."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from srectl.cli import cli
from tests.support import shipped
from tests.unit.srectl.runbooks.writing_guide import BLOCKS


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a place that looks to the guide like a checkout."""
    shipped.checkout(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def run(line: str) -> Result:
    words = shlex.split(line, comments=True)
    assert words[0] == "srectl", line
    if ">" in words:
        words = words[: words.index(">")]
    return CliRunner().invoke(cli, words[1:])


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_the_guide_can_be_followed_to_the_letter(checkout: Path) -> None:
    output, ran = "", 0
    for block in BLOCKS:
        if block.file:
            (checkout / block.file).write_text(block.text)
        elif block.info in ("sh", "sh refused") and not block.text.startswith("make setup"):
            for line in lines(block.text):
                answer = run(line)
                wanted = 1 if "refused" in block.info else 0
                assert answer.exit_code == wanted, f"{line}\n{answer.output}"
                output, ran = answer.output, ran + 1
        elif block.info == "text":
            printed = lines(output)
            missing = [line for line in lines(block.text) if line not in printed]
            assert not missing, f"not printed: {missing}\n{output}"
    assert ran >= 5


def test_the_difference_that_it_shows_is_printed(checkout: Path) -> None:
    for block in BLOCKS:
        if block.file:
            (checkout / block.file).write_text(block.text)
    tests = checkout / "runbooks" / "tests" / "basket.yaml"
    right = "undo: [roll-back, restart]"
    assert right in tests.read_text()
    tests.write_text(tests.read_text().replace(right, "undo: [restart, roll-back]"))
    answer = run("srectl runbooks test")
    assert answer.exit_code == 1
    (shown,) = (block for block in BLOCKS if block.info == "text difference")
    assert "\n".join(lines(shown.text)) in "\n".join(lines(answer.output))


def test_a_block_that_is_pasted_answers_no_question_with_its_next_line() -> None:
    for block in BLOCKS:
        typed = lines(block.text) if block.info.startswith("sh") else []
        for line in typed[:-1]:
            if line.startswith("srectl "):
                words = shlex.split(line, comments=True)[1:]
                command = [word for word in words[:2] if not word.startswith("-")]
                asks = "--yes" in CliRunner().invoke(cli, [*command, "--help"]).output
                assert not asks or "--yes" in words, line


def test_the_commands_for_a_deployment_exist() -> None:
    blocks = [block for block in BLOCKS if block.info in ("sh deployment", "sh stack")]
    assert len(blocks) == 7
    typed = [line for block in blocks for line in lines(block.text) if line.startswith("srectl ")]
    assert len(typed) > 10
    for line in typed:
        words = [
            word for word in shlex.split(line, comments=True)[1:] if not word.startswith("alert")
        ]
        command = [word for word in words[:2] if not word.startswith("-")]
        asked = CliRunner().invoke(cli, [*command, "--help"])
        assert asked.exit_code == 0, line
        for option in (word for word in words if word.startswith("--")):
            assert option in asked.output, line
