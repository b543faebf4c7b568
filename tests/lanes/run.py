"""Starts lanes side by side, waits for them and keeps what each took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_POLL_SECONDS = 0.2
# What only computes gives way to what waits for others within a time: it takes what they leave.
_GIVES_WAY = ("nice", "-n", "5")
_CLEAN_UP_SECONDS = 150.0


@dataclass(frozen=True)
class Step:
    """One command of a job.

    Parameters
    ----------
    name : str
        Name in the table; its log is ``<name>.log``.
    command : sequence of str
        Program and arguments.
    environment : mapping
        Variables besides those of this process.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """Steps that run one after the other, until one fails.

    Parameters
    ----------
    steps : sequence of Step
        At least one.
    busy : bool
        It only computes: it gives way to the others, and is not counted among them.
    after : str
        Name of a step that must have succeeded first; empty for none.
    """

    steps: Sequence[Step]
    busy: bool = False
    after: str = ""


@dataclass(frozen=True)
class Took:
    """What became of a step.

    Parameters
    ----------
    name : str
        The step.
    code : int
        Its exit code.
    began, ended : float
        Seconds since the epoch.
    cpu : float
        CPU seconds of it and of all it started.
    """

    name: str
    code: int
    began: float
    ended: float
    cpu: float


@dataclass
class _Running:
    job: Job
    step: int
    process: subprocess.Popen[bytes]


class Lanes:
    """Runs jobs side by side.

    Parameters
    ----------
    folder : Path
        For logs and figures.
    at_once : int
        Jobs at once, those that only compute aside.
    busy_at_once : int
        Besides these, how many that only compute.
    tell : callable
        Is given each step when it has ended.
    """

    def __init__(
        self, folder: Path, *, at_once: int, busy_at_once: int, tell: Callable[[Took], None]
    ) -> None:
        self._folder = folder
        self._at_once = at_once
        self._busy_at_once = busy_at_once
        self._tell = tell
        self._running: list[_Running] = []
        self._took: dict[str, Took] = {}

    def run(self, jobs: Sequence[Job]) -> list[Took]:
        """Run all jobs, the first ones first; give what became of each step that was run.

        A job whose ``after`` failed is not run. An interruption ends every lane in an orderly way
        before it goes on.
        """
        waiting = list(jobs)
        try:
            while waiting or self._running:
                for job in [each for each in waiting if self._hopeless(each)]:
                    waiting.remove(job)
                while following := next(filter(self._may_start, waiting), None):
                    waiting.remove(following)
                    step = self._start(following, 0)
                    self._running.append(_Running(following, 0, step))
                time.sleep(_POLL_SECONDS)
                for each in list(self._running):
                    if each.process.poll() is not None:
                        self._ended(each)
        finally:
            self._end()
        return list(self._took.values())

    def _may_start(self, job: Job) -> bool:
        alike = sum(each.job.busy == job.busy for each in self._running)
        most = self._busy_at_once if job.busy else self._at_once
        return alike < most and (not job.after or job.after in self._took)

    def _hopeless(self, job: Job) -> bool:
        before = self._took.get(job.after)
        return before is not None and before.code != 0

    def _start(self, job: Job, number: int) -> subprocess.Popen[bytes]:
        step = job.steps[number]
        command = [*(_GIVES_WAY if job.busy else ()), *step.command]
        told, log = self._folder / f"{step.name}.json", self._folder / f"{step.name}.log"
        return subprocess.Popen(
            [sys.executable, "-m", "tests.lanes.measured", str(told), str(log), *command],
            env={**os.environ, **step.environment},
            # A Ctrl-C of the terminal reaches the lanes once, through this process.
            start_new_session=True,
        )

    def _ended(self, running: _Running) -> None:
        self._running.remove(running)
        step = running.job.steps[running.step]
        told = json.loads((self._folder / f"{step.name}.json").read_text("utf-8"))
        took = Took(step.name, **told)
        self._took[step.name] = took
        self._tell(took)
        following = running.step + 1
        if took.code == 0 and following < len(running.job.steps):
            process = self._start(running.job, following)
            self._running.append(_Running(running.job, following, process))

    def _end(self) -> None:
        for each in self._running:
            each.process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + _CLEAN_UP_SECONDS
        for each in self._running:
            try:
                each.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()
