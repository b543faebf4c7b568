"""How fast monitoring runs: as shipped, or everything quicker by one factor.

One factor for scraping, evaluating, windows, ``for`` and Alertmanager's waits keeps their relation:
a window still holds as many samples, an alert still has to hold for as many evaluations.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["QUICK", "REALISTIC", "Pace"]

_SCRAPE_SECONDS = 15
_EVALUATION_SECONDS = 30


@dataclass(frozen=True)
class Pace:
    """What all times are divided by.

    Parameters
    ----------
    factor : float
        1 is what production has: scraped every 15 s, evaluated every 30 s.

    Raises
    ------
    ValueError
        The factor is below 1, or above 15: Prometheus is not made to scrape more often than every
        second, and samples without requests in between say nothing.
    """

    factor: float = 1

    def __post_init__(self) -> None:
        if not 1 <= self.factor <= _SCRAPE_SECONDS:
            raise ValueError(f"a pace is from 1 (as shipped) to {_SCRAPE_SECONDS}: {self.factor}")

    @property
    def scrape_seconds(self) -> float:
        """Time between two scrapes of a pod."""
        return _SCRAPE_SECONDS / self.factor

    @property
    def evaluation_seconds(self) -> float:
        """Time between two evaluations of rules that do not say otherwise."""
        return _EVALUATION_SECONDS / self.factor


REALISTIC = Pace(1)
"""Production's times."""

QUICK = Pace(15)
"""Scraped every second, evaluated every two."""
