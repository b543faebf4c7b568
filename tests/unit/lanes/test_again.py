"""What failed beside other lanes is run alone, and counts as failed where it fails there, too."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lanes.again import MOST, TIMES, suspects, unsteady
from tests.lanes.run import Job, Lanes, Step, Took
from tests.lanes.table import Counted

GOOD = "def test_it(): pass\n"
BAD = "def test_it(): assert False\n"
#: Fails where it runs for the first time.
ONCE = """
from pathlib import Path
def test_it():
    mark = Path(__file__).with_suffix(".ran")
    there = mark.exists()
    mark.touch()
    assert there
"""
#: Fails but for the second time.
TWICE = """
from pathlib import Path
def test_it():
    mark = Path(__file__).with_suffix(".ran")
    count = len(mark.read_text()) if mark.exists() else 0
    mark.write_text("x" * (count + 1))
    assert count == 1
"""


class Room:
    """A folder with test files, each of them a lane."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def job(self, name: str, *programs: str, busy: bool = False) -> Job:
        files = [self.folder / f"test_{name}_{number}.py" for number in range(len(programs))]
        for file, program in zip(files, programs, strict=True):
            file.write_text(program)
        command = [
            *(sys.executable, "-m", "pytest", "-q", "--rootdir", str(self.folder)),
            *("-c", "/dev/null", "-o", f"cache_dir={self.folder / name}-cache"),
            f"--junitxml={self.folder / name}.xml",
            *map(str, files),
        ]
        return Job([Step(name, command)], busy=busy)

    def run(self, jobs: Sequence[Job]) -> list[Took]:
        lanes = Lanes(self.folder, at_once=1, busy_at_once=1, tell=lambda _: None)
        return lanes.run(jobs)

    def passed_alone(self, *jobs: Job) -> list[str]:
        found = suspects(self.run(jobs), jobs, self.folder)
        again = self.run([job for each in found for job in each.jobs()])
        assert len(again) == TIMES * len(found)
        return sorted(unsteady(found, again))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    # The files lie outside this project, and their node identifiers are relative to theirs.
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(tmp_path)
    return Room(tmp_path)


def test_what_passes_alone_is_unsteady_and_what_fails_again_is_not(room: Room) -> None:
    jobs = (room.job("once", GOOD, ONCE), room.job("bad", GOOD, BAD), room.job("good", GOOD))
    assert room.passed_alone(*jobs) == ["once"]
    told = Counted.read(room.folder / "once.xml")
    assert (told.tests, told.failed) == (2, 1)  # of the lane, not of its repetition


def test_to_pass_once_alone_is_not_enough(room: Room) -> None:
    assert room.passed_alone(room.job("twice", TWICE)) == []


def test_more_than_a_few_get_no_second_look(room: Room) -> None:
    job = room.job("many", *[ONCE] * (MOST + 1))
    assert suspects(room.run([job]), [job], room.folder) == []


def test_what_only_computes_gets_none_nor_does_anything_beside_it(room: Room) -> None:
    jobs = (room.job("once", ONCE), room.job("unit", ONCE, busy=True))
    assert suspects(room.run(jobs), jobs, room.folder) == []


def test_what_is_no_test_gets_none(room: Room) -> None:
    job = Job([Step("demo", [sys.executable, "-c", "raise SystemExit(1)"])])
    assert suspects(room.run([job]), [job], room.folder) == []
