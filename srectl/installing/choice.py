"""Which steps are of a run, there and back: chosen by answers, by ``--without`` and ``--from``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from srectl.errors import CommandFailed
from srectl.installing.plan import Plan, Step

__all__ = ["taken", "taken_back"]


def taken(
    plan: Plan, settings: Mapping[str, str], without: Iterable[str], start: str | None
) -> list[Step]:
    """Give the steps of a run.

    Parameters
    ----------
    settings
        Which of them are chosen.
    without
        Those that are left out.
    start
        The first one; None: the very first.

    Raises
    ------
    CommandFailed
        A name is none of a step, or of one that is left out.
    """
    left_out = {plan.step(name).id for name in without}
    steps = [
        step
        for step in plan.steps
        if step.id not in left_out and (not step.when or settings.get(step.when, "no") == "yes")
    ]
    return steps[_first(plan, steps, start) :] if start else steps


def taken_back(plan: Plan, without: Iterable[str], start: str | None) -> list[Step]:
    """Give the steps that are taken back, in the order in which they were done.

    Parameters
    ----------
    without
        Those that stay.
    start
        The first one to be taken back, so the last of these; None: the very last.

    Raises
    ------
    CommandFailed
        A name is none of a step, or of one that stays.
    """
    left_out = {plan.step(name).id for name in without}
    steps = [step for step in plan.steps if step.id not in left_out]
    return steps[: _first(plan, steps, start) + 1] if start else steps


def _first(plan: Plan, steps: list[Step], start: str) -> int:
    first = plan.step(start)
    if first not in steps:
        raise CommandFailed(
            f"step {start!r} is left out",
            f"'--set {first.when}=yes' takes it in" if first.when else "name another with --from",
        )
    return steps.index(first)
