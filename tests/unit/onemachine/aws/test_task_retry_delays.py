"""How long a state waits before it is tried again is what Step Functions' documentation says."""

from __future__ import annotations

import pytest

from onemachine.aws.mends.task_retry_delays import delay_seconds
from tests.support.template import deployed

_PLAIN = {"IntervalSeconds": 3, "BackoffRate": 2}


@pytest.mark.parametrize(
    ("retrier", "delays"),
    [
        ({}, [1, 2, 4, 8]),
        (_PLAIN, [3, 6, 12, 24]),
        ({**_PLAIN, "MaxDelaySeconds": 10}, [3, 6, 10, 10]),
        ({**_PLAIN, "JitterStrategy": "NONE"}, [3, 6, 12, 24]),
    ],
)
def test_a_wait_grows_by_its_rate_up_to_its_maximum(
    retrier: dict[str, object], delays: list[float]
) -> None:
    assert [delay_seconds(retrier, earlier) for earlier in range(4)] == delays


def test_full_jitter_draws_from_nothing_up_to_the_wait() -> None:
    retrier = {**_PLAIN, "MaxDelaySeconds": 10, "JitterStrategy": "FULL"}
    for earlier, most in enumerate((3, 6, 10, 10)):
        drawn = [delay_seconds(retrier, earlier) for _ in range(500)]
        assert 0 <= min(drawn) < 0.1 * most
        assert 0.9 * most < max(drawn) <= most


def test_what_is_throttled_waits_a_minute_and_a_half_at_the_most() -> None:
    """As the template says of it; without a maximum the eighth wait alone would be longer."""
    text = deployed()["Mappings"]["Shared"]["Retry"]["IfItPasses"]
    assert "IntervalSeconds: 1, MaxAttempts: 9, BackoffRate: 2, MaxDelaySeconds: 15" in text
    throttled = {"IntervalSeconds": 1, "BackoffRate": 2, "MaxDelaySeconds": 15}
    assert sum(delay_seconds(throttled, earlier) for earlier in range(9)) == 90
