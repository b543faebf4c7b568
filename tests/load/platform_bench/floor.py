"""What a machine takes at least, at the moment of a measurement.

A machine that others share is half as fast in one hour as in the next, and CPU seconds follow it.
The floor is a fixed piece of the work that any receiver of alerts does: ratios to it can be
compared from hour to hour and from machine to machine, seconds cannot.
"""

from __future__ import annotations

import hashlib
import json
import time

from tests.load.platform_bench.alerts import Alert, body

_BODIES, _ROUNDS = 1000, 20


def floor() -> float:
    """Read, write and hash a body of one alert a thousand times.

    Returns
    -------
    float
        CPU seconds of this thread, of the quickest of twenty rounds.
    """
    one = body([Alert("BenchFloor", "floor")])
    return min(_round(one) for _ in range(_ROUNDS))


def _round(one: bytes) -> float:
    began = time.thread_time()
    for _ in range(_BODIES):
        hashlib.sha256(json.dumps(json.loads(one), sort_keys=True).encode()).digest()
    return time.thread_time() - began
