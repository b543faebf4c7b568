"""Going through steps: what is done is not done again, what failed is where one goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from srectl.errors import CommandFailed
from srectl.installing.choice import taken, taken_back
from srectl.installing.memory import Memory
from srectl.installing.plan import Kept, Plan, Setting, Step, Undo
from srectl.installing.walk import Stopped, Walk


class Runner:
    """A shell in which commands fail or not, and checks hold or not."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.failing: set[str] = set()
        self.true: set[str] = set()
        self.sees = True

    def run(self, command: str) -> int:
        """Run a command."""
        if command in self.failing:
            return 7
        self.ran.append(command)
        self.true |= {"key is there"} if command == "make key" else set()
        self.true -= {"key is there"} if command == "take key away" else set()
        return 0

    def holds(self, check: str) -> bool:
        """Whether a check holds."""
        return self.sees and (check == ":" or check in self.true)


class Talk:
    """An operator who answers as he is told to."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.answers: dict[str, bool] = {}
        self.stop_at = ""

    def step(self, step: Step, why: str) -> None:
        """Hear what comes."""
        self.said.append(f"{step.id}: {why}")

    def over(self, step: Step, word: str) -> None:
        """Hear what is over."""
        self.said.append(f"{step.id} {word.split()[0]}")

    def agreed(self, command: str) -> bool:
        """Answer."""
        if command == self.stop_at:
            raise Stopped
        return self.answers.get(command, True)


def step(name: str, *commands: str, **more: object) -> Step:
    """Give a step."""
    given = {"title": name, "section": "", "why": "because", "tools": (), "rights": (), **more}
    return Step(id=name, commands=commands, **given)  # type: ignore[arg-type]


KEY = step("key", "make key", done="key is there", undo=Undo("no more", ("take key away",)))
HOUSE = step("house", "walls of $STONE", "roof", once=False, undo=Undo("gone", ("raze",), "house"))
TRAIL = step("trail", "watch", when="TRAIL", kept=(Kept("the trail", "$1", "by hand"),))
PLAN = Plan({}, (Setting("STONE", "of what"),), "", "", {}, (KEY, HOUSE, TRAIL))


@pytest.fixture
def runner() -> Runner:
    """A shell."""
    return Runner()


@pytest.fixture
def talk() -> Talk:
    """An operator."""
    return Talk()


@pytest.fixture
def walk(tmp_path: Path, runner: Runner, talk: Talk) -> Walk:
    """A walk of which nothing is known."""
    memory = Memory.read(tmp_path / "of" / "it.json")
    return Walk(PLAN, memory, runner, talk, {"STONE": "granite"})


def again(walk: Walk, **settings: str) -> Walk:
    """Give the same walk another day."""
    memory = Memory.read(walk.memory.path)
    return Walk(PLAN, memory, walk.runner, walk.talk, {**walk.settings, **settings})


def test_what_failed_is_where_one_goes_on(walk: Walk, runner: Runner) -> None:
    runner.failing = {"roof"}
    with pytest.raises(CommandFailed) as failed:
        walk.forward([KEY, HOUSE])
    assert failed.value.message.startswith("step 'house' failed: a command ended with 7")
    assert runner.ran == ["make key", "walls of $STONE"]

    runner.failing = set()
    again(walk).forward([KEY, HOUSE])

    assert runner.ran == ["make key", "walls of $STONE", "roof"]


def test_what_somebody_else_has_done_is_found(walk: Walk, runner: Runner, talk: Talk) -> None:
    runner.true = {"key is there"}
    walk.forward([KEY])

    assert runner.ran == []
    assert talk.said == ["key found"]


def test_a_step_that_ran_and_is_not_done_fails_and_runs_whole_again(
    walk: Walk, runner: Runner, talk: Talk
) -> None:
    talk.answers = {"make key": False}
    with pytest.raises(CommandFailed, match="ran, but it is not done: key is there"):
        walk.forward([KEY])
    talk.answers = {}
    again(walk).forward([KEY])

    assert runner.ran == ["make key"]


def test_a_changed_answer_is_what_a_step_is_done_anew_for(walk: Walk, runner: Runner) -> None:
    walk.forward([KEY, HOUSE])
    runner.ran.clear()
    assert again(walk).open([KEY, HOUSE]) == []
    assert again(walk, STONE="marble").open([KEY, HOUSE]) == [HOUSE]
    again(walk, STONE="marble").forward([KEY, HOUSE])

    assert runner.ran == ["walls of $STONE", "roof"]


def test_one_step_is_done_again_when_asked_for(walk: Walk, runner: Runner) -> None:
    walk.forward([KEY, HOUSE])
    again(walk).forward([KEY, HOUSE], anew="key")

    assert runner.ran == ["make key", "walls of $STONE", "roof", "make key"]


def test_taking_back_goes_from_the_end_and_only_where_something_is(
    walk: Walk, runner: Runner, talk: Talk
) -> None:
    walk.forward([KEY, HOUSE, TRAIL])
    runner.ran.clear()
    talk.said.clear()
    walk.backward([KEY, HOUSE, TRAIL])

    assert runner.ran == ["take key away"]
    assert talk.said == ["house is", "key: no more", "key taken"]
    assert set(Memory.read(walk.memory.path).steps) == set()


def test_what_was_left_out_is_not_ours_to_take_back_unless_it_is_named(
    walk: Walk, runner: Runner, talk: Talk
) -> None:
    runner.true = {"key is there"}
    walk.memory.leave_out("key")
    walk.backward([KEY])

    assert runner.ran == []
    assert talk.said == ["key left"]
    assert Memory.read(walk.memory.path).steps["key"].state == "left out"
    again(walk).backward([KEY], anew="key")
    assert runner.ran == ["take key away"]


def test_what_was_done_here_stays_ours_when_it_is_left_out_later(walk: Walk) -> None:
    walk.forward([KEY])
    walk.memory.leave_out("key")

    assert walk.memory.steps["key"].state == "done"


def test_what_nobody_can_see_is_not_said_to_be_gone(walk: Walk, runner: Runner) -> None:
    walk.forward([KEY])
    runner.sees = False
    with pytest.raises(CommandFailed, match="nobody can see what is there"):
        walk.backward([KEY])

    assert set(Memory.read(walk.memory.path).steps) == {"key"}


def test_a_step_whose_files_have_changed_is_done_anew_and_one_that_failed_is_begun_anew(
    walk: Walk, runner: Runner, tmp_path: Path
) -> None:
    house = replace(HOUSE, files=("plan", "$STONE"))
    plan = replace(PLAN, steps=(house,), root=tmp_path)
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "walls").write_text("four")

    def another_day() -> Walk:
        return replace(again(walk), plan=plan, settings={"STONE": str(tmp_path / "stone")})

    another_day().forward([house])
    (tmp_path / "plan" / "__pycache__").mkdir()
    (tmp_path / "plan" / "__pycache__" / "walls.pyc").write_text("left behind")
    assert another_day().open([house]) == []
    (tmp_path / "stone").write_text("granite")
    assert another_day().open([house]) == [house]
    runner.failing = {"roof"}
    with pytest.raises(CommandFailed):
        another_day().forward([house])
    (tmp_path / "plan" / "walls").write_text("five")
    runner.failing, runner.ran = set(), []
    another_day().forward([house])

    assert runner.ran == ["walls of $STONE", "roof"]


def test_a_stop_keeps_what_is_done(walk: Walk, runner: Runner, talk: Talk) -> None:
    talk.stop_at = "roof"
    with pytest.raises(Stopped):
        walk.forward([KEY, HOUSE])
    talk.stop_at = ""
    again(walk).forward([KEY, HOUSE])

    assert runner.ran == ["make key", "walls of $STONE", "roof"]


def test_a_command_is_shown_with_the_values_that_it_reads(
    walk: Walk, runner: Runner, talk: Talk
) -> None:
    plan = replace(PLAN, values={"VPC": "$(ask for it)"})
    talk.answers = {'VPC=$(ask for it)\nbuild in "$VPC"': False}
    replace(walk, plan=plan).forward([step("net", 'build in "$VPC"')])

    assert runner.ran == []


def test_steps_are_chosen_by_answers_and_options() -> None:
    assert taken(PLAN, {"TRAIL": "yes"}, (), None) == [KEY, HOUSE, TRAIL]
    assert taken(PLAN, {}, ("key",), None) == [HOUSE]
    assert taken(PLAN, {}, (), "house") == [HOUSE]
    with pytest.raises(CommandFailed, match="there is no step 'roof'"):
        taken(PLAN, {}, ("roof",), None)
    with pytest.raises(CommandFailed) as failed:
        taken(PLAN, {}, (), "trail")
    assert failed.value.hint == "'--set TRAIL=yes' takes it in"
    assert taken_back(PLAN, ("house",), "key") == [KEY]
    assert taken_back(PLAN, (), None) == [KEY, HOUSE, TRAIL]
    with pytest.raises(CommandFailed, match="step 'key' is left out"):
        taken_back(PLAN, ("key",), "key")


def test_two_cannot_install_the_same_at_once(walk: Walk) -> None:
    with (
        walk.memory.alone(),
        pytest.raises(CommandFailed, match="another 'srectl install'"),
        Memory(walk.memory.path).alone(),
    ):
        pass


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"steps": {}}',
        '{"settings": {}, "steps": {"a": 1}}',
        '{"settings": {"IMAGE_TAG": 3}, "steps": {}}',
        '{"settings": {"IMAGE\\u0000TAG": "3"}, "steps": {}}',
        '{"settings": {}, "steps": {"a": {"state": "begun", "commands": null}}}',
        '{"settings": {}, "steps": {"a": {"state": "dreamt"}}}',
        '{"settings": {}, "steps": {"a": {"state": "done", "at": 7}}}',
    ],
)
def test_a_file_that_is_none_of_ours_is_a_failure_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "it.json").write_text(text)
    with pytest.raises(CommandFailed) as failed:
        Memory.read(tmp_path / "it.json")
    assert "move the file away" in failed.value.hint


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandFailed) as failed, Memory(tmp_path / "file" / "it.json").alone():
        pass
    assert "XDG_STATE_HOME" in failed.value.hint
