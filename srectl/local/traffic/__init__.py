"""Customers of checkout: orders at a constant rate, spread over the pods of its Service.

A process of its own (``python -m srectl.local.traffic``), so that whatever else the stack does
cannot slow it down. It writes what it saw to a file, one line of JSON a second.
"""

from srectl.local.traffic.process import Traffic

__all__ = ["Traffic"]
