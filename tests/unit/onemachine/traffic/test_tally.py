"""Nothing that happens to an order goes uncounted."""

from __future__ import annotations

import pytest

from onemachine.traffic.tally import OUTCOMES, Tally, outcome_of


def test_a_second_holds_what_ended_in_it() -> None:
    tally = Tally()
    for outcome in ("ok", "ok", "error", "lost"):
        tally.add(outcome)
    second = tally.close(time=1.0, pods=3)
    assert (second.ok, second.error, second.lost, second.pods) == (2, 1, 1, 3)
    assert second.error_ratio == 0.5
    assert tally.close(time=2.0, pods=3).error_ratio is None


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_its_count(outcome: str) -> None:
    tally = Tally()
    tally.add(outcome)
    second = tally.close(time=1.0, pods=1)
    assert getattr(second, outcome) == 1
    assert second.error_ratio == (0 if outcome in ("ok", "rejected") else 1)


def test_the_percentile_is_of_answers() -> None:
    tally = Tally()
    for milliseconds in range(1, 101):
        tally.add("ok", milliseconds / 1000)
    assert tally.close(time=1.0, pods=1).p95_ms == 95


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "ok"),
        (204, "ok"),
        (302, "rejected"),
        (400, "rejected"),
        (502, "error"),
        (503, "error"),
    ],
)
def test_answers_are_named(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome
