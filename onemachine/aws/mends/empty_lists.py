"""Mends what an empty list is in a template: nothing can be selected out of it, joined it is ''.

A ``CommaDelimitedList`` that is given nothing has no member, and ``Fn::Select`` of its first one
fails the template. The emulator makes of it a list with one empty text, and gives that. In the
conditions of a template it takes ``Fn::Join`` and ``Fn::Split`` for texts that equal nothing. (A
list whose only member is an empty text, as ``Fn::Split`` can make it, is refused here, too.)
"""

from __future__ import annotations

import sys
from typing import Any

from ministack.services.cloudformation import engine

_COMPUTED = ("Fn::Join", "Fn::Split")


def _computed(node: Any, template: dict[str, Any], params: dict[str, Any]) -> Any:
    """Put the values of joined and split texts in, wherever they stand in a condition."""
    if isinstance(node, list):
        return [_computed(each, template, params) for each in node]
    if not isinstance(node, dict):
        return node
    if any(name in node for name in _COMPUTED):
        return engine._resolve_refs(node, {}, params, {}, template.get("Mappings", {}), "", "")
    return {key: _computed(each, template, params) for key, each in node.items()}


def apply() -> None:
    """Refuse to select from nothing, and compute what conditions join."""
    stock_select, stock_conditions = engine._select, engine._evaluate_conditions

    def select(index: int, items: list[Any]) -> Any:
        return stock_select(index, [] if items == [""] else items)

    def evaluate_conditions(template: dict[str, Any], params: dict[str, Any]) -> Any:
        conditions = _computed(template.get("Conditions", {}), template, params)
        return stock_conditions({**template, "Conditions": conditions}, params)

    engine._select = select
    # Others of the package have it by name.
    for name, module in list(sys.modules.items()):
        if name.startswith(engine.__package__) and hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate_conditions  # type: ignore[attr-defined]
