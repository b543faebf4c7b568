"""Stages start as soon as their needs are met, and stop being started when one fails."""

from __future__ import annotations

import threading

import pytest

from onemachine.stack.stages import Observer, Report, Stage, StageFailed, Stopped, run_stages
from tests.support.waiting import PATIENCE_SECONDS


class Recorder(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def started(self, stage: Stage) -> None:
        self.told.append(("started", stage.name))

    def reported(self, stage: Stage, text: str) -> None:
        self.told.append((text, stage.name))

    def finished(self, stage: Stage, seconds: float) -> None:
        self.told.append(("finished", stage.name))

    def failed(self, stage: Stage, seconds: float, cause: BaseException) -> None:
        self.told.append(("failed", stage.name))


def nothing(_report: Report) -> None:
    """Be done at once."""


def test_a_stage_starts_after_all_that_it_needs() -> None:
    seen = Recorder()
    stages = [
        Stage("deploy", "", nothing, needs=("aws", "build")),
        Stage("aws", "", nothing),
        Stage("build", "", nothing),
    ]
    seconds = run_stages(stages, seen, threading.Event())
    assert set(seconds) == {"aws", "build", "deploy"}
    begun = seen.told.index(("started", "deploy"))
    assert seen.told.index(("finished", "aws")) < begun
    assert seen.told.index(("finished", "build")) < begun


def test_stages_that_do_not_need_each_other_run_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def meet(_report: Report) -> None:
        together.wait()

    run_stages([Stage("a", "", meet), Stage("b", "", meet)], Observer(), threading.Event())


def test_after_a_failure_nothing_more_is_started_and_the_stage_is_named() -> None:
    seen = Recorder()

    def fail(report: Report) -> None:
        report("trying")
        raise OSError("no such image")

    stages = [Stage("pods", "", fail), Stage("traffic", "", nothing, needs=("pods",))]
    with pytest.raises(StageFailed, match="pods: no such image") as failed:
        run_stages(stages, seen, threading.Event())
    assert isinstance(failed.value.cause, OSError)
    assert seen.told == [("started", "pods"), ("trying", "pods"), ("failed", "pods")]


def test_a_stop_ends_the_wait_for_stages_that_still_run() -> None:
    stop, never = threading.Event(), threading.Event()

    def hang(_report: Report) -> None:
        stop.set()
        never.wait()

    with pytest.raises(Stopped):
        run_stages([Stage("hangs", "", hang)], Observer(), stop)
    never.set()


@pytest.mark.parametrize(
    "stages",
    [
        [Stage("a", "", nothing, needs=("b",)), Stage("b", "", nothing, needs=("a",))],
        [Stage("a", "", nothing, needs=("missing",))],
        [Stage("a", "", nothing), Stage("a", "", nothing)],
    ],
)
def test_needs_that_cannot_be_met_are_refused_before_anything_starts(stages: list[Stage]) -> None:
    seen = Recorder()
    with pytest.raises(ValueError, match=r"need each other|same name"):
        run_stages(stages, seen, threading.Event())
    assert seen.told == []
