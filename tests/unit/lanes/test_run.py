"""Lanes run side by side, tell what they took, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from onemachine.processes.identity import ProcessIdentity
from tests.lanes.run import Job, Lanes, Step, Took


def python(name: str, program: str) -> Step:
    return Step(name, [sys.executable, "-c", program])


def run(folder: Path, *jobs: Job, at_once: int = 4, busy_at_once: int = 1) -> dict[str, Took]:
    lanes = Lanes(folder, at_once=at_once, busy_at_once=busy_at_once, tell=lambda _: None)
    return {took.name: took for took in lanes.run(jobs)}


def overlap(one: Took, other: Took) -> bool:
    return one.began < other.ended and other.began < one.ended


def test_lanes_run_side_by_side_and_busy_ones_do_not(tmp_path: Path) -> None:
    nap = "import time; time.sleep(1)"
    took = run(
        tmp_path,
        Job([python("busy", nap)], busy=True),
        Job([python("busy-too", nap)], busy=True),
        Job([python("asleep", nap)]),
    )
    assert not overlap(took["busy"], took["busy-too"])
    assert overlap(took["busy"], took["asleep"])


def test_a_busy_lane_takes_nobodys_place_and_gives_way(tmp_path: Path) -> None:
    tell = "import os, time; open({}, 'w').write(str(os.nice(0))); time.sleep(1)"
    took = run(
        tmp_path,
        *(
            Job([python(name, tell.format(repr(str(tmp_path / name))))], busy=name == "busy")
            for name in ("asleep", "asleep-too", "busy")
        ),
        at_once=2,
    )
    assert overlap(took["busy"], took["asleep"])
    assert overlap(took["busy"], took["asleep-too"])
    nice = {name: int((tmp_path / name).read_text()) for name in took}
    assert nice["busy"] > nice["asleep"] == nice["asleep-too"]


def test_the_steps_of_a_job_come_one_after_the_other_until_one_fails(tmp_path: Path) -> None:
    took = run(
        tmp_path,
        Job([python("first", "pass"), python("second", "raise SystemExit(3)"), python("no", "")]),
    )
    assert {name: each.code for name, each in took.items()} == {"first": 0, "second": 3}
    assert took["first"].ended <= took["second"].began


def test_what_comes_after_a_failure_is_not_run(tmp_path: Path) -> None:
    took = run(
        tmp_path,
        Job([python("build", "raise SystemExit(1)")]),
        Job([python("needs-it", "pass")], after="build"),
        Job([python("does-not", "pass")]),
    )
    assert set(took) == {"build", "does-not"}


def test_the_time_of_a_daemon_that_outlives_its_lane_is_counted(tmp_path: Path) -> None:
    daemon = (
        "import time\n"
        "end = time.process_time() + 0.7\n"
        "while time.process_time() < end: pass\n"
        "open({done!r}, 'w').close()\n"
    ).format(done=str(tmp_path / "done"))
    starts = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {daemon!r}], start_new_session=True)\n"
        f"while not os.path.exists({str(tmp_path / 'done')!r}): time.sleep(0.05)\n"
        "os._exit(0)\n"
    )
    took = run(tmp_path, Job([python("starts", starts)]))
    assert took["starts"].cpu >= 0.7


def test_an_interruption_reaches_what_runs_and_waits_for_its_end(tmp_path: Path) -> None:
    program = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    time.sleep(0.3)\n"
        f"    open({str(tmp_path / 'cleaned')!r}, 'w').close()\n"
    )
    found: list[ProcessIdentity | None] = []

    def interrupt() -> None:
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
            time.sleep(0.05)
        found.append(ProcessIdentity.of(int((tmp_path / "pid").read_text())))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Job([python("lane", program)]))
    assert (tmp_path / "cleaned").exists()
    assert found[0] is not None
    assert not found[0].alive()
