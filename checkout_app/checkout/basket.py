"""The basket a client sends: what is allowed in it and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from checkout.errors import CheckoutInvalid, Problem

__all__ = ["PRICES", "SAMPLE", "Basket", "Item", "parse_basket"]

PRICES = MappingProxyType({"coffee-250g": 890, "filter-paper": 350, "grinder": 7_900, "mug": 1_250})
"""Price of each article in euro cents, by stock keeping unit."""

MAX_ITEMS = 50
MAX_QUANTITY = 99
MAX_CUSTOMER_ID = 64


@dataclass(frozen=True)
class Item:
    """Some pieces of one article."""

    sku: str
    quantity: int


@dataclass(frozen=True)
class Basket:
    """What one customer is about to buy."""

    items: tuple[Item, ...]
    customer_id: str | None = None

    @property
    def total_cents(self) -> int:
        """Price of everything, in euro cents."""
        return sum(PRICES[item.sku] * item.quantity for item in self.items)


SAMPLE = Basket((Item("coffee-250g", 2), Item("mug", 1)))
"""What GET /checkout quotes."""


def parse_basket(body: object) -> Basket:
    """Check a request body.

    Parameters
    ----------
    body : object
        Decoded JSON: ``{"items": [{"sku": "mug", "quantity": 1}], "customer_id": "c-1"}``, where
        ``customer_id`` may be left out. Unknown keys are ignored.

    Raises
    ------
    CheckoutInvalid
        With every problem there is, not only the first one.
    """
    if not isinstance(body, dict):
        raise CheckoutInvalid([Problem("", "must be a JSON object with a list 'items'")])
    problems: list[Problem] = []
    customer = body.get("customer_id")
    if customer is not None and not (
        isinstance(customer, str) and 0 < len(customer) <= MAX_CUSTOMER_ID
    ):
        problems.append(
            Problem("/customer_id", f"must be a string of 1 to {MAX_CUSTOMER_ID} characters")
        )
        customer = None
    items = _items(body.get("items"), problems)
    if problems:
        raise CheckoutInvalid(problems)
    return Basket(items, customer)


def _items(entries: object, problems: list[Problem]) -> tuple[Item, ...]:
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_ITEMS:
        problems.append(Problem("/items", f"must be a list of 1 to {MAX_ITEMS} items"))
        return ()
    items = []
    for index, entry in enumerate(entries):
        where = f"/items/{index}"
        if not isinstance(entry, dict):
            problems.append(Problem(where, "must be an object with 'sku' and 'quantity'"))
            continue
        sku, quantity = entry.get("sku"), entry.get("quantity")
        if not isinstance(sku, str) or sku not in PRICES:
            problems.append(Problem(f"{where}/sku", f"must be one of {', '.join(PRICES)}"))
        elif (
            not isinstance(quantity, int)
            or isinstance(quantity, bool)
            or not 0 < quantity <= MAX_QUANTITY
        ):
            problems.append(
                Problem(f"{where}/quantity", f"must be a whole number from 1 to {MAX_QUANTITY}")
            )
        else:
            items.append(Item(sku, quantity))
    return tuple(items)
