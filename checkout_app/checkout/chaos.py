"""Faults that can be switched on, to see the platform repair them.

They strike the *optional* downstream steps only (recommendations, loyalty points). Degraded mode
skips those steps, which is why it helps; pricing and payment are never struck.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass

from checkout.errors import DownstreamFailed

__all__ = ["MAX_LATENCY_MS", "NO_CHAOS", "Chaos", "parse_chaos"]

MAX_LATENCY_MS = 60_000.0
_FIELDS = frozenset({"error_rate", "latency_ms"})


@dataclass(frozen=True)
class Chaos:
    """The faults in force.

    Attributes
    ----------
    error_rate : float
        Share of checkouts (0.0 to 1.0) in which one of the optional steps fails.
    latency_ms : float
        Milliseconds that the optional steps of a checkout take longer, altogether.
    """

    error_rate: float = 0.0
    latency_ms: float = 0.0

    def strike(self, steps: tuple[str, ...]) -> None:
        """Let the optional steps of one checkout be slow, or fail.

        The dice are thrown once a checkout, so that ``error_rate`` is the error rate that
        clients see, however many steps there are.

        Raises
        ------
        DownstreamFailed
            The fault hit one of the steps.
        """
        if self.latency_ms > 0:
            time.sleep(self.latency_ms / 1000)
        # random() is below 1.0, so a rate of 1.0 always strikes and 0.0 never does.
        if steps and random.random() < self.error_rate:  # noqa: S311 - dice, not cryptography
            raise DownstreamFailed(random.choice(steps))  # noqa: S311 - dice, not cryptography


NO_CHAOS = Chaos()


def parse_chaos(text: str, defaults: Chaos) -> Chaos:
    """Read the value of the chaos parameter.

    Parameters
    ----------
    text : str
        A JSON object such as ``{"error_rate": 0.4, "latency_ms": 0}``; each key may be left out.
    defaults : Chaos
        For what is left out.

    Raises
    ------
    ValueError
        It is no such object; the message says what is wrong.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError('not an object such as {"error_rate": 0.4, "latency_ms": 0}')  # noqa: TRY004 - one error for every bad value
    unknown = sorted(set(content) - _FIELDS)
    if unknown:
        raise ValueError(f"unknown keys {unknown}; known are error_rate and latency_ms")
    return Chaos(
        error_rate=_within(content, "error_rate", defaults.error_rate, 1.0),
        latency_ms=_within(content, "latency_ms", defaults.latency_ms, MAX_LATENCY_MS),
    )


def _within(content: dict[str, object], name: str, default: float, high: float) -> float:
    value = content.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
        raise ValueError(f"{name} must be a number from 0 to {high:g}, not {value!r}")
    return float(value)
