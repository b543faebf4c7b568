"""Addresses that are examples, and so lead nowhere."""

from __future__ import annotations

import re

__all__ = ["leads_nowhere"]

# Names that nobody can have (RFC 2606, RFC 6761). eks/install.yaml says the same in shell.
_EXAMPLE = re.compile(
    r"https?://([^/?#]*[.@])?(example(\.(com|net|org))?|invalid|test|localhost)([:/?#]|$)", re.I
)


def leads_nowhere(url: str) -> bool:
    """Say whether a link has a host that is kept for examples.

    Examples
    --------
    >>> leads_nowhere("https://runbooks.example.com/CheckoutDown")
    True
    >>> leads_nowhere("https://wiki.example-shop.com/CheckoutDown")
    False
    """
    return _EXAMPLE.match(url) is not None
