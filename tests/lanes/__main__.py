"""``make test``: every lane, and after them the table."""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.lanes.again import TIMES, suspects, unsteady
from tests.lanes.plan import LANES, Lane, files_of_lanes
from tests.lanes.run import Job, Lanes, Step, Took
from tests.lanes.table import Counted, slowest, table

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "lanes"
BINARIES, SHOWN = "binaries", "make-demo"
_HOUSES = ("onemachine", "srectl", "src", "checkout_app")
REPORT = ROOT / "build" / "demo" / "report.json"  # where 'make demo' writes it


def main(arguments: Sequence[str]) -> int:
    """Run the lanes; give 0 where every one succeeded."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    unknown = set(asked.lanes) - {lane.name for lane in LANES}
    if unknown:
        parser.error(f"no such lane: {', '.join(sorted(unknown))}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    REPORT.unlink(missing_ok=True)  # what is judged is of this run
    FOLDER.mkdir(parents=True)
    _compile()
    began = time.time()

    def tell(took: Took) -> None:
        ended = "ok" if took.code == 0 else f"FAILED, exit code {took.code}"
        said = Counted.read(FOLDER / f"{took.name}.xml")
        tests = f", {said.tests} tests" if said.tests else ""
        print(f"{_at(began)} {took.name}: {ended}{tests}", flush=True)
        if took.code != 0:
            print((FOLDER / f"{took.name}.log").read_text("utf-8", "replace"), flush=True)

    lanes = Lanes(FOLDER, at_once=asked.at_once, busy_at_once=asked.busy, tell=tell)
    planned = jobs(asked.beside, asked.lanes)
    took = lanes.run(planned)
    passed_alone = _second_look(took, planned, tell)
    tested = {each.name: Counted.read(FOLDER / f"{each.name}.xml") for each in took}
    print("\nThe slowest tests (minutes)")
    print("\n".join(slowest(tested.values())))
    print("\nWhere the minutes went")
    print("\n".join(table(took, tested, began, time.time())))
    ran = {each.name for each in took}
    missing = [step.name for job in planned for step in job.steps if step.name not in ran]
    if missing:
        print(f"not run, because what comes before failed: {', '.join(missing)}")
    idle = untested(tested)
    if idle:
        print(f"nothing was tested, because every test was skipped: {', '.join(idle)}")
    for name, tests in passed_alone.items():
        print(f"UNSTEADY, failed in {name} and passed {TIMES} times alone: {', '.join(tests)}")
    failed = [each.name for each in took if each.code and each.name not in passed_alone]
    return int(bool(missing or idle or failed))


def _second_look(
    took: Sequence[Took], planned: Sequence[Job], tell: Callable[[Took], None]
) -> Mapping[str, tuple[str, ...]]:
    """Run what failed again, alone; give step → tests of what then passed."""
    found = suspects(took, planned, FOLDER)
    again = [job for each in found for job in each.jobs()]
    return unsteady(found, Lanes(FOLDER, at_once=1, busy_at_once=0, tell=tell).run(again))


def _compile() -> None:
    """Compile the project once, not in each of the some hundred processes that import it.

    Some are started without the right to keep what they compile, and so may be this one.
    """
    for house in _HOUSES:
        compileall.compile_dir(ROOT / house, quiet=1)


def untested(tested: Mapping[str, Counted]) -> list[str]:
    """Name the lanes whose every test was skipped: they say nothing, so they are no success."""
    return [name for name, each in tested.items() if each.tests and each.tests == each.skipped]


def jobs(beside: Sequence[str], only: Sequence[str] = ()) -> list[Job]:
    """Give what is to be run, in the order of starting.

    Parameters
    ----------
    beside : sequence of str
        Targets of the Makefile that run as lanes, too. ``demo`` comes before the tests of the
        demonstration, which then judge what it reported and do not run it once more.
    only : sequence of str
        Names of lanes; empty for every lane.
    """
    files = files_of_lanes(ROOT)
    found = [Job([Step(BINARIES, [sys.executable, "-m", "onemachine.binaries"])])]
    found += [
        Job([Step(target, ["make", target])], busy=True) for target in beside if target != "demo"
    ]
    for lane in LANES:
        if not files[lane.name] or (only and lane.name not in only):
            continue
        steps = [_pytest(lane, [str(each) for each in files[lane.name]])]
        if lane.name == "demo" and "demo" in beside:
            log = FOLDER / f"{SHOWN}.log"
            steps = [
                Step(SHOWN, ["make", "demo"]),
                Step(lane.name, steps[0].command, {"SRECTL_SHOWN_DEMO": str(log)}),
            ]
        found.append(Job(steps, lane.busy, BINARIES if lane.binaries else ""))
    return found


def _pytest(lane: Lane, files: Sequence[str]) -> Step:
    return Step(
        lane.name,
        [
            *(sys.executable, "-m", "pytest", "--durations=20", "--hypothesis-profile=gate"),
            f"--junitxml={FOLDER / lane.name}.xml",
            *("-o", f"cache_dir={FOLDER / lane.name}-cache"),
            *([f"--numprocesses={lane.workers}"] if lane.workers > 1 else []),
            *files,
        ],
    )


def _parser() -> argparse.ArgumentParser:
    cores = os.cpu_count() or 2
    parser = argparse.ArgumentParser(prog="python -m tests.lanes", description=__doc__)
    parser.add_argument(
        "lanes",
        nargs="*",
        metavar="lane",
        help=f"only these: {', '.join(one.name for one in LANES)}",
    )
    parser.add_argument(
        "--beside", action="append", default=[], help="target of the Makefile to run as a lane, too"
    )
    parser.add_argument(
        "--at-once",
        type=int,
        default=2 * cores + 1,
        help="lanes at once, busy ones aside (default: %(default)s)",
    )
    parser.add_argument(
        "--busy",
        type=int,
        default=cores,
        help="besides these, lanes that only compute (default: %(default)s)",
    )
    return parser


def _at(began: float) -> str:
    minutes, seconds = divmod(round(time.time() - began), 60)
    return f"[{minutes:2}:{seconds:02}]"


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
