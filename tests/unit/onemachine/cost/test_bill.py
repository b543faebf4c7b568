"""Amounts become money, by the list."""

from __future__ import annotations

import pytest

from onemachine.cost.abuse import Limits, hour
from onemachine.cost.bill import (
    BRIEF_LINES,
    HOURS_A_MONTH,
    brief_for,
    difference,
    idle_month,
    scaled,
    standing,
    summed,
)
from onemachine.cost.prices import read_prices

PRICES = read_prices()
LIMITS = Limits(
    requests_per_second=50,
    burst=50,
    alerts_per_hour=50_000,
    concurrency=100,
    memory_mb=256,
    flood_total=50,
    flood_window_seconds=300,
)


def test_what_came_in_between_is_scaled_and_priced() -> None:
    before = summed({"transitions": {"a": 10, "b": 5}})
    after = summed({"transitions": {"a": 30, "b": 7}, "events": {"": 4}})
    took = difference(after, before)
    assert took == {"transitions": 22, "events": 4}
    assert PRICES.bill(scaled(took, 1000)) == pytest.approx(22 * 0.025 + 4000 / 1e6)


def test_the_brief_counts_thirty_million_where_there_are_thirty_thousand() -> None:
    assert round(sum(usd for usd, _ in BRIEF_LINES.values())) == 141
    assert brief_for(30_000_000) == pytest.approx(141.2705)
    assert brief_for(30_000) == pytest.approx(0.4115)


def test_an_idle_month_is_canaries_closers_and_what_is_there() -> None:
    there = standing({"AWS::KMS::Key": 1, "AWS::CloudWatch::Dashboard": 3}, 25, 30)
    month = idle_month({"transitions": 37}, {"express_requests": 1}, {"key_calls": 0.2}, there, {})
    assert month["transitions"] == 37 * 8760
    assert month["express_requests"] == 4380
    assert month["schedule_calls"] == 8760 + 4380
    assert month["key_calls"] == pytest.approx(0.2 * HOURS_A_MONTH * 3600)
    assert (month["keys"], month["dashboards"], month["alarm_metrics"]) == (1, 3, 25)
    rare = idle_month({"transitions": 37}, {}, {}, {}, {}, canary_minutes=15)
    assert rare["transitions"] == pytest.approx(month["transitions"] / 3)


def test_a_cluster_that_is_watched_is_heard_each_minute_and_has_a_metric_and_an_alarm() -> None:
    there = standing({}, 25, 30)
    month = idle_month({}, {}, {}, there, {"api_requests": 1, "log_bytes": 500})
    assert month["api_requests"] == 43_800
    assert month["log_bytes"] == 500 * 43_800
    assert (month["alarm_metrics"], month["custom_metrics"]) == (26, 31)


def test_an_hour_of_abuse_is_bounded_by_what_stops_it() -> None:
    parts = hour(LIMITS, {"write_units": 1000}, {"transitions": 26})
    assert parts["calls, each at the plan's rate"]["api_requests"] == 180_050
    assert parts["alert-ingest, all of it busy"]["lambda_gb_seconds"] == 90_000
    # The hour may lie across two hours of the clock.
    assert parts["alerts of the allowance, each of the largest"] == {"write_units": 100_000_000}
    assert parts["runbooks that flood control lets act"] == {"transitions": 13 * 50 * 26}


@pytest.mark.parametrize("limit", ["requests_per_second", "alerts_per_hour", "concurrency"])
def test_a_higher_limit_costs_more(limit: str) -> None:
    def cost(limits: Limits) -> float:
        parts = hour(limits, {"write_units": 1000}, {"transitions": 26})
        return sum(PRICES.bill(amounts) for amounts in parts.values())

    more = Limits(**{**vars(LIMITS), limit: getattr(LIMITS, limit) * 2})
    assert cost(more) > cost(LIMITS)
