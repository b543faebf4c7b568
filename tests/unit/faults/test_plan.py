"""A campaign's plan follows from its seed, and places every fault at every stage of its own."""

from __future__ import annotations

import pytest

from tests.faults.kinds import DELIVERED, STAGES
from tests.faults.nemesis import FAULTS, SHORT
from tests.faults.plan import Sizes, make

_STRIKING = {name: (fault.stages, fault.seconds) for name, fault in FAULTS.items()}
_SIZES = Sizes(incidents=500, seconds=700.0, targets=16)


def test_the_same_seed_gives_the_same_plan() -> None:
    assert make(7, _SIZES, _STRIKING) == make(7, _SIZES, _STRIKING)
    assert make(7, _SIZES, _STRIKING) != make(8, _SIZES, _STRIKING)


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_holds_every_fault_at_every_stage_of_its_own(seed: int) -> None:
    plan = make(seed, _SIZES, _STRIKING)
    struck = {(strike.fault, strike.stage) for strike in plan.strikes}
    assert struck == {(name, stage) for name, (stages, _) in _STRIKING.items() for stage in stages}
    delivered = {fault for delivery in plan.deliveries for fault in delivery.faults}
    assert delivered == set(DELIVERED)
    assert len(plan.firings) == 500


@pytest.mark.parametrize("seed", range(5))
def test_strikes_do_not_overlap_and_end_in_time(seed: int) -> None:
    plan = make(seed, _SIZES, _STRIKING)
    for first, second in zip(plan.strikes, plan.strikes[1:], strict=False):
        assert first.at + first.seconds < second.at
    assert plan.strikes[-1].at + plan.strikes[-1].seconds < plan.seconds


def test_each_firing_is_told_with_beginning_and_end() -> None:
    plan = make(3, _SIZES, _STRIKING)
    for status in ("firing", "resolved"):
        told = {each for one in plan.deliveries if one.status == status for each in one.firings}
        assert told == set(range(500)), status


def test_two_runbooks_meet_on_one_object() -> None:
    plan = make(3, _SIZES, _STRIKING)
    met = [
        (first, second)
        for first in plan.firings
        for second in plan.firings
        if first.kind == "scale"
        and second.kind == "restart"
        and first.target == second.target
        and abs(first.fires_at - second.fires_at) <= 0.31
    ]
    assert len(met) >= 5


def test_there_are_at_least_fifteen_kinds_of_fault_at_stages_that_exist() -> None:
    assert len({*FAULTS, *DELIVERED}) >= 15
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert set(fault.stages) <= set(STAGES), name
    assert set(SHORT) <= set(FAULTS)
