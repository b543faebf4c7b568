"""Settings from the environment, checked once at start.

A wrong value stops the start: a pod that never gets ready halts its rollout, which is where a
mistake in a manifest should show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checkout.chaos import MAX_LATENCY_MS, NO_CHAOS, Chaos
from checkout.errors import SettingsInvalid

__all__ = ["Settings", "parse_switch"]

_ON = frozenset({"true", "1", "on", "yes"})
_OFF = frozenset({"false", "0", "off", "no"})


def parse_switch(text: str) -> bool | None:
    """Read an on/off value.

    Returns
    -------
    bool or None
        None if the text is neither.
    """
    word = text.strip().lower()
    if word in _ON:
        return True
    return False if word in _OFF else None


@dataclass(frozen=True)
class Settings:
    """What the service was started with.

    Attributes
    ----------
    degraded_mode : bool or None
        ``DEGRADED_MODE``: overrides the parameter; None leaves the decision to it.
    degraded_mode_parameter : str or None
        ``DEGRADED_MODE_PARAMETER``: name of the SSM parameter, e.g. ``/checkout/degraded_mode``.
    degraded_mode_ttl_seconds : float
        ``DEGRADED_MODE_TTL_SECONDS``: how old a value may be, 5 by default.
    chaos : Chaos
        ``ERROR_RATE`` and ``LATENCY_MS``: the faults in force while the chaos parameter says
        nothing.
    chaos_parameter : str or None
        ``CHAOS_PARAMETER``: name of the SSM parameter that sets faults while the service runs.
        None, as in production: no such parameter is ever read.
    parameter_timeout_seconds : float
        ``PARAMETER_TIMEOUT_SECONDS``: limit for one connection and for one answer of SSM.
    log_level : str
        ``LOG_LEVEL``.
    """

    degraded_mode: bool | None = None
    degraded_mode_parameter: str | None = None
    degraded_mode_ttl_seconds: float = 5.0
    chaos: Chaos = NO_CHAOS
    chaos_parameter: str | None = None
    parameter_timeout_seconds: float = 1.0
    log_level: str = "INFO"

    @property
    def first_answer_seconds(self) -> float:
        """How long a start waits for SSM."""
        # Two parameters, each with one connection and one answer, and the import of boto3.
        return 4 * self.parameter_timeout_seconds + 2

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check the settings.

        Raises
        ------
        SettingsInvalid
            A value cannot be used.
        """
        level = environment.get("LOG_LEVEL", "INFO").upper()
        if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise SettingsInvalid(f"LOG_LEVEL={level}: use DEBUG, INFO, WARNING or ERROR")
        return cls(
            degraded_mode=_switch(environment, "DEGRADED_MODE"),
            degraded_mode_parameter=environment.get("DEGRADED_MODE_PARAMETER") or None,
            degraded_mode_ttl_seconds=_number(
                environment, "DEGRADED_MODE_TTL_SECONDS", default=5.0, low=0.1, high=3600.0
            ),
            chaos=Chaos(
                error_rate=_number(environment, "ERROR_RATE", default=0.0, low=0.0, high=1.0),
                latency_ms=_number(
                    environment, "LATENCY_MS", default=0.0, low=0.0, high=MAX_LATENCY_MS
                ),
            ),
            chaos_parameter=environment.get("CHAOS_PARAMETER") or None,
            parameter_timeout_seconds=_number(
                environment, "PARAMETER_TIMEOUT_SECONDS", default=1.0, low=0.05, high=30.0
            ),
            log_level=level,
        )


def _switch(environment: Mapping[str, str], name: str) -> bool | None:
    text = environment.get(name, "")
    if not text.strip():
        return None
    value = parse_switch(text)
    if value is None:
        raise SettingsInvalid(f"{name}={text!r}: use true or false, or leave it out")
    return value


def _number(
    environment: Mapping[str, str], name: str, *, default: float, low: float, high: float
) -> float:
    text = environment.get(name, "")
    if not text.strip():
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:  # false for NaN as well
        raise SettingsInvalid(f"{name}={text!r}: use a number from {low:g} to {high:g}")
    return value
