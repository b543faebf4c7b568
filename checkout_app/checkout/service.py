"""A checkout, step by step.

The optional steps come before the payment: where one of them fails, nothing has been charged, and
a client may safely try again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from checkout.basket import PRICES, Basket
from checkout.chaos import Chaos

__all__ = ["OPTIONAL_STEPS", "Receipt", "check_out"]

OPTIONAL_STEPS = ("recommendations", "loyalty_points")
_CENTS_PER_POINT = 100
_MAX_RECOMMENDATIONS = 2


@dataclass(frozen=True)
class Receipt:
    """What the customer gets.

    Attributes
    ----------
    total_cents : int
        Price in euro cents.
    order_id, payment_id : str or None
        None for a quote, which charges nothing.
    recommendations : tuple of str
        Articles that go well with the basket. Empty in degraded mode.
    loyalty_points : int or None
        Points earned. None in degraded mode.
    degraded : bool
        Whether the optional steps were skipped.
    """

    total_cents: int
    order_id: str | None
    payment_id: str | None
    recommendations: tuple[str, ...]
    loyalty_points: int | None
    degraded: bool


def check_out(basket: Basket, *, charge: bool, degraded: bool, chaos: Chaos) -> Receipt:
    """Check a basket out.

    Parameters
    ----------
    basket : Basket
        What is bought.
    charge : bool
        False quotes the price only.
    degraded : bool
        Skip the optional steps, and with them whatever ails them.
    chaos : Chaos
        Faults that strike the optional steps.

    Raises
    ------
    DownstreamFailed
        An optional step failed. Nothing was charged.
    """
    total = basket.total_cents
    recommendations: tuple[str, ...] = ()
    points = None
    if not degraded:
        chaos.strike(OPTIONAL_STEPS)
        recommendations = _recommend(basket)
        points = total // _CENTS_PER_POINT
    payment_id = _take_payment() if charge else None
    order_id = f"order-{uuid.uuid4()}" if charge else None
    return Receipt(total, order_id, payment_id, recommendations, points, degraded)


def _recommend(basket: Basket) -> tuple[str, ...]:
    bought = {item.sku for item in basket.items}
    return tuple(sku for sku in PRICES if sku not in bought)[:_MAX_RECOMMENDATIONS]


def _take_payment() -> str:
    # Stands where a payment provider would be asked: this service exists to be looked after.
    return f"payment-{uuid.uuid4()}"
