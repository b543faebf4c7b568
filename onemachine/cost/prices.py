"""The list prices, read from ``prices.yaml``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from onemachine.cost.units import BY_NAME

__all__ = ["FILE", "Price", "PriceList", "PricesUnusable", "read_prices"]

FILE = Path(__file__).with_name("prices.yaml")


class PricesUnusable(ValueError):
    """The file lacks something, or has a price for what nobody counts."""


@dataclass(frozen=True)
class Price:
    """What a unit costs.

    Parameters
    ----------
    usd : float
        US dollars for ``per`` of it.
    per : float
        How many that are.
    source : str
        AWS's page that says so.
    note : str
        What else is to be known.
    """

    usd: float
    per: float
    source: str
    note: str = ""

    def of(self, amount: float) -> float:
        """Give what an amount costs, in US dollars."""
        return amount * self.usd / self.per


@dataclass(frozen=True)
class PriceList:
    """All prices of one day and region."""

    date: datetime.date
    region: str
    how: str
    prices: Mapping[str, Price]

    def of(self, unit: str, amount: float) -> float:
        """Give what an amount of a unit costs, in US dollars."""
        return self.prices[unit].of(amount)

    def bill(self, amounts: Mapping[str, float]) -> float:
        """Give what amounts (unit → amount) cost together, in US dollars."""
        return sum(self.of(unit, amount) for unit, amount in amounts.items())


def read_prices(file: Path = FILE) -> PriceList:
    """Read a list of prices.

    Raises
    ------
    PricesUnusable
        A unit of :data:`onemachine.cost.units.UNITS` has no price, or a price no unit.
    """
    document = yaml.safe_load(file.read_text("utf-8"))
    found = {name: Price(**each) for name, each in document["prices"].items()}
    if missing := sorted(BY_NAME.keys() - found.keys()):
        raise PricesUnusable(f"{file} has no price for {', '.join(missing)}")
    if unknown := sorted(found.keys() - BY_NAME.keys()):
        raise PricesUnusable(f"{file} has a price for what units.py lacks: {', '.join(unknown)}")
    return PriceList(document["date"], document["region"], document["how"], found)
