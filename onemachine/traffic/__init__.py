"""Customers of checkout: orders at a constant rate, spread over the pods of its Service.

A process of its own (``python -m onemachine.traffic``), so that whatever else the stack does
cannot slow it down. It writes what it saw to a file, one line of JSON a second.
"""

from onemachine.traffic.traffic import (
    DEMO_ORDERS_PER_SECOND,
    FEW_ORDERS_PER_SECOND,
    ORDERS_PER_SECOND,
    Traffic,
)

__all__ = ["DEMO_ORDERS_PER_SECOND", "FEW_ORDERS_PER_SECOND", "ORDERS_PER_SECOND", "Traffic"]
