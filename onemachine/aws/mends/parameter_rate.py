"""Mends how often parameters can be read: 40 times a second in an account and region.

SSM answers more calls of GetParameter and GetParameters than that with ThrottlingException, unless
an account pays for higher throughput. The emulator answers all of them, so that a fleet of pods
that each ask too often is found on AWS first.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import ssm

PER_SECOND = 40


@dataclass
class Bucket:
    """Calls that may still be made: it holds a second's worth, and fills at that pace."""

    left: float = PER_SECOND
    at: float = field(default_factory=time.monotonic)

    def take(self, now: float) -> bool:
        """Take one call, if there is one.

        Parameters
        ----------
        now : float
            Monotonic time in seconds.
        """
        self.left = min(PER_SECOND, self.left + (now - self.at) * PER_SECOND)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def apply() -> None:
    """Count both calls together."""
    buckets: defaultdict[tuple[str, str], Bucket] = defaultdict(Bucket)

    def limited(stock: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        def read(data: dict[str, Any]) -> Any:
            if buckets[get_account_id(), get_region()].take(time.monotonic()):
                return stock(data)
            return ssm.error_response_json("ThrottlingException", "Rate exceeded", 400)

        return read

    ssm._get_parameter = limited(ssm._get_parameter)
    ssm._get_parameters = limited(ssm._get_parameters)
