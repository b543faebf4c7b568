"""Cleaning and cutting of text, and the size it will have on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

CUT_MARK = "…[cut]"

# At most, on the wire (see `wire_size`): a character beyond the basic plane is two \\uXXXX, and an
# item has four quotes, a colon and a comma with blanks.
WIRE_BYTES_PER_CHARACTER = 14
WIRE_BYTES_PER_ITEM = 12


def clean(text: str) -> str:
    """Replace lone surrogates, which JSON can carry (``"\\ud800"``) but UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def all_clean(value: Any) -> Any:
    """Return what was read of JSON with every text in it cleaned, names included.

    Examples
    --------
    >>> all_clean({"a": ["\\ud800b"]})
    {'a': ['?b']}
    """
    return json.loads(clean(json.dumps(value, ensure_ascii=False)))


def cut(text: str, limit: int) -> str:
    """Shorten text to at most `limit` characters and mark that it was cut."""
    return text if len(text) <= limit else text[: max(0, limit - len(CUT_MARK))] + CUT_MARK


def wire_size(value: object) -> int:
    """Return the bytes a JSON value takes inside a parked event.

    There it is JSON inside JSON (the `Detail` string of an entry that is itself a JSON message),
    the most expensive form it takes anywhere; all of it is ASCII, so characters are bytes.
    """
    return len(json.dumps(json.dumps(value))) - 2


def _certainly_fits(texts: Mapping[str, str], value_limit: int, budget: int) -> bool:
    """Tell without encoding it that a map is far below its limits, as nearly every one is."""
    characters = sum(map(len, texts)) + sum(map(len, texts.values()))
    size = characters * WIRE_BYTES_PER_CHARACTER + len(texts) * WIRE_BYTES_PER_ITEM
    return size <= budget and characters <= value_limit


def fit(
    texts: Mapping[str, str], first: Iterable[str], value_limit: int, budget: int
) -> tuple[dict[str, str], bool]:
    """Keep as much of labels or annotations as a budget allows.

    Parameters
    ----------
    texts
        Labels or annotations.
    first
        Keys that matter most; the others follow in alphabetical order.
    value_limit
        Longest value in characters.
    budget
        Bytes on the wire (see `wire_size`) for all of them together.

    Returns
    -------
    tuple
        What fits, in the original order, and whether anything was cut or dropped.
    """
    if _certainly_fits(texts, value_limit, budget):
        return dict(texts), False
    if wire_size(dict(texts)) <= budget and all(
        len(value) <= value_limit for value in texts.values()
    ):
        return dict(texts), False
    leading = [key for key in first if key in texts]
    order = leading + sorted(texts.keys() - set(leading))
    kept: dict[str, str] = {}
    for key in order:
        value = cut(texts[key], value_limit)
        size = wire_size({key: value})
        if size <= budget:
            kept[key] = value
            budget -= size
    return {key: kept[key] for key in texts if key in kept}, kept != dict(texts)
