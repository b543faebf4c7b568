"""Amounts as the API writes them: ``10Gi``, ``250m``, ``1e3``."""

from __future__ import annotations

import math
import re

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(?:[eE](\d+)|([kMGTPE]?|[KMGTPE]i|m))")
_POWERS = "kMGTPE"


def thousandths_of(quantity: str) -> int:
    """Read an amount in thousandths, rounded up: ``250m`` is 250, ``2`` is 2000; 0 for none."""
    found = _QUANTITY.fullmatch(quantity)
    if not found:
        return 0
    number, power, unit = float(found[1]) * 1000, found[2], found[3] or ""
    if power:
        return math.ceil(number * 10.0 ** int(power))
    if unit == "m":
        return math.ceil(number / 1000)
    if unit:
        base = 1024 if unit.endswith("i") else 1000
        number *= base ** (_POWERS.index(unit[0].lower() if unit[0] == "K" else unit[0]) + 1)
    return math.ceil(number)


def bytes_of(quantity: str) -> int:
    """Read an amount of bytes, such as ``10Gi`` or ``500M``; 0 for what is none."""
    return thousandths_of(quantity) // 1000
