"""Mends JSONPaths that point at nothing.

Step Functions fails the execution with ``States.Runtime``. The emulator goes on with null, so that
a misspelt path is found on AWS first. ``IsPresent`` stays the way to ask.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions


def _walk(tokens: list[tuple[str, Any]], data: Any) -> tuple[bool, Any]:
    """Follow a path without wildcards; return whether its end exists, and the value there."""
    for kind, key in tokens:
        if kind == "field":
            if not isinstance(data, dict) or key not in data:
                return False, None
        elif not isinstance(data, list) or not -len(data) <= key < len(data):
            return False, None
        data = data[key]
    return True, data


def _is_plain(tokens: Any) -> bool:
    return tokens is not None and all(kind in ("field", "index") for kind, _value in tokens)


def apply() -> None:
    """Raise where the stock function answers null; the context object keeps the stock lookup."""
    stock_resolve = stepfunctions._resolve_path
    stock_rule = stepfunctions._evaluate_rule

    def resolve_path(path: Any, data: Any) -> Any:
        if not isinstance(path, str) or path in ("", "$") or not path.startswith("$"):
            return stock_resolve(path, data)
        tokens = stepfunctions._parse_jsonpath_tokens(path)
        if not _is_plain(tokens):
            return stock_resolve(path, data)
        exists, value = _walk(tokens, data)
        if not exists:
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"The JSONPath '{path}' could not be found in the input"
            )
        return value

    def resolve_context_path(path: str, context: Any) -> Any:
        return stock_resolve(path[1:], context) if path.startswith("$$.") else None

    def evaluate_rule(rule: dict[str, Any], data: Any, context: Any = None) -> Any:
        variable = rule.get("Variable")
        if "IsPresent" in rule and isinstance(variable, str) and not variable.startswith("$$"):
            tokens = stepfunctions._parse_jsonpath_tokens(variable)
            if _is_plain(tokens):
                return _walk(tokens, data)[0] == rule["IsPresent"]
        return stock_rule(rule, data, context)

    stepfunctions._resolve_path = resolve_path
    stepfunctions._resolve_ctx_path = resolve_context_path
    stepfunctions._evaluate_rule = evaluate_rule
