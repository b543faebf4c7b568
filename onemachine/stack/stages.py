"""Stages with needs: each starts as soon as what it needs is done, all that can at once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Observer", "Stage", "StageFailed", "Stopped", "run_stages"]

_POLL_SECONDS = 0.1

Report = Callable[[str], None]
"""Tells the user how far a stage is."""


class StageFailed(RuntimeError):
    """A stage failed, so the stages after it were not started.

    Parameters
    ----------
    stage : str
        Its name.
    cause : BaseException
        What it raised.
    """

    def __init__(self, stage: str, cause: BaseException) -> None:
        self.stage = stage
        self.cause = cause
        super().__init__(f"{stage}: {cause}")


class Stopped(RuntimeError):
    """Somebody asked to stop before all stages were done."""


@dataclass(frozen=True)
class Stage:
    """One step on the way to a running stack.

    Parameters
    ----------
    name : str
        Name, unique among the stages that run together.
    what : str
        What it does, for the user.
    run : callable
        Does it; raises where that fails. Is given a function to report how far it is.
    needs : tuple of str
        Names of the stages that must be done before.
    """

    name: str
    what: str
    run: Callable[[Report], None]
    needs: tuple[str, ...] = ()


class Observer:
    """Is told how the stages go; does nothing unless overridden."""

    def started(self, stage: Stage) -> None:
        """A stage begins."""

    def reported(self, stage: Stage, text: str) -> None:
        """A stage tells how far it is."""

    def finished(self, stage: Stage, seconds: float) -> None:
        """A stage is done."""

    def failed(self, stage: Stage, seconds: float, cause: BaseException) -> None:
        """A stage failed."""


@dataclass
class _Progress:
    waiting: dict[str, Stage]
    running: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def startable(self) -> list[Stage]:
        return [s for s in self.waiting.values() if all(need in self.seconds for need in s.needs)]


def run_stages(
    stages: Sequence[Stage], observer: Observer, stop_asked: threading.Event
) -> Mapping[str, float]:
    """Run all stages, each in a thread of its own as soon as its needs are met.

    Parameters
    ----------
    stages : sequence of Stage
        In any order.
    observer : Observer
        Told of everything, from this thread except for reports.
    stop_asked : threading.Event
        Ends the run early.

    Returns
    -------
    mapping
        Seconds that each stage took.

    Raises
    ------
    StageFailed
        One failed. Others may still run: whoever owns their processes ends those, and they fail.
    Stopped
        ``stop_asked`` was set; the same holds.
    ValueError
        The needs cannot be met.
    """
    _check(stages)
    progress = _Progress({stage.name: stage for stage in stages})
    results: queue.Queue[tuple[Stage, BaseException | None]] = queue.Queue()

    def work(stage: Stage) -> None:
        try:
            stage.run(lambda text: observer.reported(stage, text))
        except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
            results.put((stage, error))
        else:
            results.put((stage, None))

    while progress.waiting or progress.running:
        if stop_asked.is_set():
            raise Stopped("asked to stop while starting")
        for stage in progress.startable():
            del progress.waiting[stage.name]
            progress.running[stage.name] = time.monotonic()
            observer.started(stage)
            # A daemon: a stage that hangs must not keep the process from ending.
            threading.Thread(target=work, args=(stage,), name=stage.name, daemon=True).start()
        try:
            stage, error = results.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        seconds = time.monotonic() - progress.running.pop(stage.name)
        if error is not None:
            if stop_asked.is_set():
                raise Stopped("asked to stop while starting")
            observer.failed(stage, seconds, error)
            raise StageFailed(stage.name, error) from error
        progress.seconds[stage.name] = seconds
        observer.finished(stage, seconds)
    return progress.seconds


def _check(stages: Sequence[Stage]) -> None:
    done: set[str] = set()
    left = list(stages)
    names = [stage.name for stage in stages]
    if len(set(names)) != len(names):
        raise ValueError(f"two stages have the same name: {sorted(names)}")
    while left:
        ready = [stage for stage in left if set(stage.needs) <= done]
        if not ready:
            raise ValueError(
                "these stages need each other or one that is missing: "
                + ", ".join(f"{stage.name} (needs {', '.join(stage.needs)})" for stage in left)
            )
        done |= {stage.name for stage in ready}
        left = [stage for stage in left if stage.name not in done]
