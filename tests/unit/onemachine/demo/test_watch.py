"""A milestone has its time after those before it; who does not come is named."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from onemachine.demo.watch import Milestone, Reached, Sighting, Stalled, watch


def nothing() -> None:
    """Look at nothing between two rounds."""


def seen_at(at: float) -> Sighting:
    return Sighting(at, "")


def run(*milestones: Milestone) -> tuple[dict[str, Reached], list[str]]:
    order: list[str] = []
    reached = watch(
        milestones,
        on_reached=lambda one: order.append(one.milestone.name),
        between=nothing,
        pause=0.01,
    )
    return reached, order


def test_all_milestones_are_reached_with_what_was_seen() -> None:
    reached, order = run(
        Milestone("a", "first", 5, lambda: Sighting(1.0, "one")),
        Milestone("b", "second", 5, lambda: Sighting(2.0, "two"), after=("a",)),
    )
    assert order == ["a", "b"]
    assert reached["b"].sighting == Sighting(2.0, "two")


def test_a_milestone_that_is_not_reached_in_time_is_named() -> None:
    with pytest.raises(Stalled, match="'webhook accepted' was not seen") as stalled:
        run(
            Milestone("a", "alert firing", 5, lambda: seen_at(1)),
            Milestone("b", "webhook accepted", 0.05, lambda: None, after=("a",), log="aws"),
            Milestone("c", "incident closed", 0.0, lambda: None, after=("b",)),
        )
    assert stalled.value.milestone.log == "aws"


def test_the_time_of_a_milestone_begins_when_those_before_it_are_reached() -> None:
    begun = time.monotonic()

    def late() -> Sighting | None:
        return seen_at(1) if time.monotonic() - begun > 0.3 else None

    def later() -> Sighting | None:
        return seen_at(2) if time.monotonic() - begun > 0.45 else None

    run(Milestone("a", "a", 5, late), Milestone("b", "b", 0.25, later, after=("a",)))


def test_a_later_milestone_may_be_seen_first() -> None:
    rounds = iter(range(10))

    def second_round() -> Sighting | None:
        return seen_at(1) if next(rounds) > 0 else None

    _, order = run(
        Milestone("a", "a", 5, second_round),
        Milestone("b", "b", 5, lambda: seen_at(2), after=("a",)),
    )
    assert order == ["b", "a"]


def test_a_part_that_does_not_answer_is_not_seen_yet_and_its_error_is_told() -> None:
    answers = iter([OSError("refused"), ClientError({"Error": {"Code": "Throttled"}}, "Query")])

    def shaky() -> Sighting:
        error = next(answers, None)
        if error is not None:
            raise error
        return seen_at(1)

    run(Milestone("a", "a", 5, shaky))

    def away() -> Sighting:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(Stalled, match="nobody listens"):
        run(Milestone("a", "a", 0.05, away))


def test_a_mistake_in_a_probe_comes_through() -> None:
    def wrong() -> Sighting:
        raise KeyError("status")

    with pytest.raises(KeyError):
        run(Milestone("a", "a", 5, wrong))


def test_what_is_looked_at_in_between_can_end_the_watch() -> None:
    def escalated() -> None:
        raise RuntimeError("escalated")

    with pytest.raises(RuntimeError, match="escalated"):
        watch(
            [Milestone("a", "a", 5, lambda: None)],
            on_reached=lambda _: None,
            between=escalated,
            pause=0.01,
        )
