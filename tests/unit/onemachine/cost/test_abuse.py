"""The worst hour of a key follows the template's limits, and what stands for a limit that is 0."""

from __future__ import annotations

import pytest

from onemachine.cost.abuse import Limits, hour

_PARAMETERS = {
    "SenderAlertsPerHour": 50_000.0,
    "AlertIngestConcurrency": 100.0,
    "FloodTotal": 50.0,
    "FloodWindowSeconds": 300.0,
}


def _limits(**other: float) -> Limits:
    return Limits.of(
        {**_PARAMETERS, **other}, requests_per_second=50.0, burst=50.0, memory_mb=256.0
    )


@pytest.mark.parametrize(("reserved", "at_once"), [(100.0, 100.0), (10.0, 10.0), (0.0, 1000.0)])
def test_without_a_reservation_a_flood_may_have_all_of_an_account(
    reserved: float, at_once: float
) -> None:
    spent = hour(_limits(AlertIngestConcurrency=reserved), {}, {})
    assert spent["alert-ingest, all of it busy"]["lambda_gb_seconds"] == at_once * 3600 / 4
    assert spent["alerts beyond it, parked"]["queue_requests"] > at_once * 80_000


def test_calls_are_those_of_the_plan() -> None:
    assert hour(_limits(), {}, {})["calls, each at the plan's rate"]["api_requests"] == 180_050
