"""Every test file is in exactly one lane, and every lane names what is there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.lanes.plan import LANES, OTHERS, Lane, files_of_lanes

ROOT = Path(__file__).resolve().parents[3]


def test_every_test_file_is_in_one_lane() -> None:
    lanes = files_of_lanes(ROOT)
    divided = Counter(file for files in lanes.values() for file in files)
    there = {file.relative_to(ROOT) for file in (ROOT / "tests").rglob("test_*.py")}
    assert divided == Counter(there)


def test_every_lane_names_what_is_there_and_has_tests() -> None:
    lanes = files_of_lanes(ROOT)
    assert len(lanes) == len(LANES)
    for lane in LANES:
        assert all((ROOT / path).exists() for path in lane.paths), lane
        assert lanes[lane.name] or lane.name == OTHERS, lane


def test_the_longest_name_wins_and_what_nobody_names_is_not_lost(tmp_path: Path) -> None:
    files = ("tests/a/test_one.py", "tests/a/b/test_two.py", "tests/c/test_three.py")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    lanes = (Lane("outer", ("tests/a",)), Lane("inner", ("tests/a/b",)), Lane(OTHERS))
    divided = files_of_lanes(tmp_path, lanes)
    assert [divided[name] for name in ("outer", "inner", OTHERS)] == [
        [Path(file)] for file in files
    ]
