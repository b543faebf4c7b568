"""The table of where the minutes went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.lanes.run import Took

_SLOWEST = 12


@dataclass(frozen=True)
class Counted:
    """What pytest says of a lane.

    Parameters
    ----------
    tests, failed, skipped : int
        How many; an error in a fixture counts as failed.
    seconds : mapping
        Test → what it took.
    """

    tests: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: Mapping[str, float] | None = None

    @classmethod
    def read(cls, path: Path) -> Counted:
        """Read pytest's JUnit file; where there is none, nothing was tested."""
        if not path.is_file():
            return cls()
        cases = list(ElementTree.parse(path).iter("testcase"))  # noqa: S314 - written by our pytest
        bad = [case for case in cases if {"failure", "error"} & {each.tag for each in case}]
        skipped = [case for case in cases if case.find("skipped") is not None]
        seconds = {
            f"{case.get('classname')}::{case.get('name')}": float(case.get("time", "0"))
            for case in cases
        }
        return cls(len(cases), len(bad), len(skipped), seconds)


def table(
    took: Sequence[Took], tested: Mapping[str, Counted], began: float, ended: float
) -> list[str]:
    """Give the lines of the table: one for each step, in the order of their starts.

    Parameters
    ----------
    took : sequence of Took
        What was run.
    tested : mapping
        Step → what pytest said.
    began, ended : float
        When all of it began and ended, in seconds since the epoch.
    """
    width = max([len("step"), *(len(each.name) for each in took)])
    lines = [f"{'step':{width}}  from      wall     CPU  tests  failed  skipped"]
    for each in sorted(took, key=lambda one: one.began):
        found = tested.get(each.name, Counted())
        counts = (
            f"{found.tests:5}  {found.failed:6}  {found.skipped:7}" if found.tests else f"{'':22}"
        )
        note = "" if each.code == 0 else f"  exit code {each.code}"
        lines.append(
            f"{each.name:{width}}  {_clock(each.began - began)}  "
            f"{_clock(each.ended - each.began):>7} {_clock(each.cpu):>7}  {counts}{note}".rstrip()
        )
    totals = [tested.get(each.name, Counted()) for each in took]
    lines.append(
        f"{'all':{width}}  {_clock(0)}  {_clock(ended - began):>7} "
        f"{_clock(sum(each.cpu for each in took)):>7}  "
        f"{sum(each.tests for each in totals):5}  {sum(each.failed for each in totals):6}  "
        f"{sum(each.skipped for each in totals):7}"
    )
    return lines


def slowest(tested: Iterable[Counted]) -> list[str]:
    """Give a line for each of the slowest tests."""
    every = {name: taken for each in tested for name, taken in (each.seconds or {}).items()}
    ranked = sorted(every.items(), key=lambda one: one[1], reverse=True)[:_SLOWEST]
    return [f"{_clock(taken)}  {name}" for name, taken in ranked]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:3}:{rest:02}"
