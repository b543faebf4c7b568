"""Mends places in lists that an input transformer names, such as ``$.resources[0]``.

EventBridge takes an index in the paths of ``InputPathsMap``. The emulator takes the name with its
index for the name of a field, finds none, and puts in an empty text.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from ministack.services import eventbridge

_INDEXED = re.compile(r"^(.+)\[(\d+)\]$")


class _View:
    """An event in which what a path with an index names is a field of that name."""

    def __init__(self, view: Any, paths: Mapping[str, str]) -> None:
        self._view = view
        self._event = copy.deepcopy(view.event_with_detail())  # others are given the same
        for path in paths.values():
            _add(self._event, path.strip("$.").split("."))

    def event_with_detail(self) -> Any:
        return self._event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


def _add(found: Any, parts: list[str]) -> None:
    for part in parts:
        if not isinstance(found, dict):
            return
        indexed = _INDEXED.match(part)
        if indexed:
            items, index = found.get(indexed[1]), int(indexed[2])
            if isinstance(items, list) and index < len(items):
                found[part] = items[index]
        found = found.get(part)


def apply() -> None:
    """Look such places up before the stock transformer does."""
    stock = eventbridge._apply_input_transformer

    def transformed(transformer: Any, rule: Any, view: Any) -> Any:
        paths = transformer.get("InputPathsMap", {})
        if any("[" in path for path in paths.values()):
            view = _View(view, paths)
        return stock(transformer, rule, view)

    eventbridge._apply_input_transformer = transformed
