"""A second look at what failed beside other lanes: does it fail alone, too?

What waits for other processes may fail only because six lanes share two cores. Such a test is
*unsteady*: a fault of its own that has to be found, but none that says the product is broken. So it
is run again with nothing beside it, and named loudly where it then passes. What only computes gets
no second look, nor does a run of which more failed than chance explains.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lanes.run import Job, Step, Took

#: Of a whole run. More is a fault of the product or of the lanes, not of a moment.
MOST = 2
#: What passes once alone may have been lucky.
TIMES = 2
_TESTS_FAILED = 1  # pytest's exit code where tests ran and some failed


@dataclass(frozen=True)
class Suspect:
    """A step of which tests failed.

    Parameters
    ----------
    step : Step
        As it was run.
    tests : tuple of str
        The node identifiers of what failed in it.
    """

    step: Step
    tests: tuple[str, ...]

    def jobs(self) -> list[Job]:
        """Give the repetitions: each in a process of its own, as a lane is."""
        # Without its files, and without the report, which tells of the lane as a whole.
        command = [
            each
            for each in self.step.command
            if not each.endswith(".py") and not each.startswith("--junitxml=")
        ]
        return [
            Job([replace(self.step, name=name, command=[*command, *self.tests])])
            for name in self.names()
        ]

    def names(self) -> list[str]:
        """Give the names of the repetitions."""
        return [f"{self.step.name}-again-{number + 1}" for number in range(TIMES)]


def suspects(took: Sequence[Took], planned: Sequence[Job], folder: Path) -> list[Suspect]:
    """Give what deserves a second look; nothing where one thing that failed does not.

    Parameters
    ----------
    took : sequence of Took
        What was run.
    planned : sequence of Job
        What it was run as.
    folder : Path
        Of the lanes' logs, where pytest keeps which tests failed.
    """
    steps = {step.name: (job, step) for job in planned for step in job.steps}
    found = []
    for each in took:
        if not each.code:
            continue
        job, step = steps[each.name]
        tests = _failed(folder / f"{each.name}-cache")
        if job.busy or each.code != _TESTS_FAILED or not tests:
            return []
        found.append(Suspect(step, tests))
    return found if sum(len(each.tests) for each in found) <= MOST else []


def unsteady(found: Sequence[Suspect], again: Sequence[Took]) -> Mapping[str, tuple[str, ...]]:
    """Give step → tests of those that passed each time alone."""
    codes = {each.name: each.code for each in again}
    return {
        each.step.name: each.tests
        for each in found
        if all(codes.get(name) == 0 for name in each.names())
    }


def _failed(cache: Path) -> tuple[str, ...]:
    path = cache / "v" / "cache" / "lastfailed"
    return tuple(json.loads(path.read_text("utf-8"))) if path.is_file() else ()
