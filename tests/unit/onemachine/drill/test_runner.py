"""A drill holds only if every expectation did, and leaves nothing broken behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from onemachine.drill import runner, scene
from onemachine.drill.report import Account, NotMet, Teller
from onemachine.drill.runner import Drills
from onemachine.drill.scene import Scene
from onemachine.stack.state import StackFolder, StackState
from srectl.cli import cli

Script = Callable[[Scene], None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Account]]:
    """Run scripts as drills, on a stack of which nothing runs."""
    monkeypatch.setattr(scene, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(Scene, "publish_runbook", lambda _self: None)
    folder = StackFolder(tmp_path / "none")

    def run_them(*scripts: Script) -> list[Account]:
        modules = {
            f"drill-{number}": SimpleNamespace(NAME=f"drill-{number}", WHAT="", run=script)
            for number, script in enumerate(scripts)
        }
        monkeypatch.setattr(runner, "DRILLS", modules)
        drills = Drills(list(modules), Teller())
        drills.run_on(folder, StackState("none"))
        return drills.accounts

    return run_them


def expecting(probe: Callable[[], object]) -> Script:
    def script(on: Scene) -> None:
        on.expect("detect", "it rings", probe, within=0.1, where="the bell", next_step="pull")

    return script


def test_an_expectation_that_comes_late_but_in_time_holds(
    run: Callable[..., list[Account]],
) -> None:
    answers = iter([None, OSError("not yet"), False, "ding"])

    def probe() -> object:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    (account,) = run(expecting(probe))
    assert (account.outcome, account.problem) == ("held", "")
    assert [(step.what, step.held, step.detail) for step in account.steps] == [
        ("it rings", True, "ding")
    ]


def test_an_expectation_that_does_not_come_fails_the_drill_and_says_what_to_do(
    run: Callable[..., list[Account]],
) -> None:
    (account,) = run(expecting(lambda: None))
    assert account.outcome == "failed"
    assert account.problem.startswith("it rings: not within")
    assert (account.where, account.next_step) == ("the bell", "pull")
    assert [step.held for step in account.steps] == [False]


def test_a_failed_drill_takes_back_what_it_broke_and_the_next_one_runs(
    run: Callable[..., list[Account]],
) -> None:
    done: list[str] = []

    def broken(on: Scene) -> None:
        on.heal_with("the first thing", lambda: done.append("first"))
        on.healed()
        on.heal_with("the second thing", lambda: done.append("second"))
        on.heal_with("the third thing", lambda: done.append("third"))
        raise NotMet("it rings", "it does not", "the bell", "pull")

    failed, held = run(broken, expecting(lambda: "ding"))
    assert done == ["third", "second"]
    assert [step.what for step in failed.steps] == ["the third thing", "the second thing"]
    assert (failed.outcome, held.outcome) == ("failed", "held")


def test_a_drill_that_cannot_take_back_what_it_broke_has_not_held(
    run: Callable[..., list[Account]],
) -> None:
    def heal() -> None:
        raise OSError("the stack is gone")

    (account,) = run(lambda on: on.heal_with("the thing", heal))
    assert account.outcome == "failed"
    assert "the thing: the stack is gone" in account.problem


def test_a_recovery_command_that_fails_ends_the_drill_with_its_answer(
    run: Callable[..., list[Account]],
) -> None:
    (account,) = run(lambda on: on.do("recover", "it is back", "aws", "dynamodb", "undelete"))
    assert account.outcome == "failed"
    assert "no such command" in account.problem


def test_an_unknown_drill_is_refused_before_anything_starts(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    answer = CliRunner().invoke(cli, ["drill", "table", "flood", "--report", str(report)])
    assert answer.exit_code == 2
    assert "flood: drills are ingest, cluster, target, table, or all" in answer.output
    assert not report.exists()


def test_the_report_has_every_drill_also_if_the_stack_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRECTL_STATE_DIR", str(tmp_path))
    report = tmp_path / "report.json"
    command = ["drill", "all", "--stack", "nowhere", "--report", str(report)]
    answer = CliRunner().invoke(cli, command)
    assert answer.exit_code == 3
    told = json.loads(report.read_text())
    assert {each["name"]: each["outcome"] for each in told["drills"]} == dict.fromkeys(
        ("ingest", "cluster", "target", "table"), "not-started"
    )
