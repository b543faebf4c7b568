"""The table says where the minutes went, and what failed."""

from __future__ import annotations

from pathlib import Path

from tests.lanes.__main__ import untested
from tests.lanes.run import Took
from tests.lanes.table import Counted, slowest, table

JUNIT = """<testsuites><testsuite>
<testcase classname="a" name="quick" time="0.5"/>
<testcase classname="a" name="slow" time="75.2"/>
<testcase classname="a" name="wrong" time="1"><failure message="no"/></testcase>
<testcase classname="a" name="broken" time="1"><error message="no"/></testcase>
<testcase classname="a" name="left" time="0"><skipped message="no"/></testcase>
</testsuite></testsuites>"""


def test_the_table_has_a_line_for_each_step_and_the_sum(tmp_path: Path) -> None:
    (tmp_path / "unit.xml").write_text(JUNIT)
    tested = {
        "unit": Counted.read(tmp_path / "unit.xml"),
        "lint": Counted.read(tmp_path / "no.xml"),
    }
    took = [Took("unit", 1, 1060.0, 1200.0, 61.0), Took("lint", 0, 1000.0, 1030.0, 20.0)]
    assert [line.split() for line in table(took, tested, 1000.0, 1200.0)] == [
        ["step", "from", "wall", "CPU", "tests", "failed", "skipped"],
        ["lint", "0:00", "0:30", "0:20"],
        ["unit", "1:00", "2:20", "1:01", "5", "2", "1", "exit", "code", "1"],
        ["all", "0:00", "3:20", "1:21", "5", "2", "1"],
    ]
    assert slowest(tested.values())[0].split() == ["1:15", "a::slow"]


def test_a_lane_whose_every_test_was_skipped_is_no_success() -> None:
    tested = {"aws": Counted(2, 0, 2), "unit": Counted(3, 0, 2), "lint": Counted()}
    assert untested(tested) == ["aws"]
