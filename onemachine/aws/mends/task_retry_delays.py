"""Mends how long a state waits before it is tried again.

Step Functions waits ``MaxDelaySeconds`` at the most, and with ``JitterStrategy: FULL`` for a time
that it draws between nothing and the whole. The emulator knows neither: what was throttled together
comes back together, and after each time doubles its wait up to a minute. A call that AWS would have
served after some seconds waits half a minute here, and whoever is new goes before it.
"""

from __future__ import annotations

import random
from typing import Any

from ministack.services import stepfunctions

_INTERVAL_SECONDS, _BACKOFF_RATE = 1, 2.0


def delay_seconds(retrier: dict[str, Any], earlier: int) -> float:
    """Give how long a retrier lets a state wait.

    Parameters
    ----------
    retrier
        An entry of ``Retry``.
    earlier
        How often it has let that state be tried again before.

    Returns
    -------
    float
        Seconds. AWS: "Error handling in Step Functions", fields of a retrier.
    """
    interval = retrier.get("IntervalSeconds", _INTERVAL_SECONDS)
    delay = float(interval * retrier.get("BackoffRate", _BACKOFF_RATE) ** earlier)
    delay = min(delay, retrier.get("MaxDelaySeconds", delay))
    # Not for secrets: times apart are all that is wanted.
    return random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay  # noqa: S311


def apply() -> None:
    """Hand the emulator a retrier whose next delay is the one that AWS would take."""
    stock = stepfunctions._find_matching_retrier

    def find(retriers: Any, error: str, counts: dict[int, int]) -> Any:
        retrier, index = stock(retriers, error, counts)
        if retrier is None:
            return retrier, index
        delay = delay_seconds(retrier, counts.get(index, 0))
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1}, index

    stepfunctions._find_matching_retrier = find
