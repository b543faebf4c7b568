"""JSONata by a compiled engine, where that and the emulator's own are known to agree.

A burst of alerts evaluates some hundred thousand expressions, which was two fifths of all that the
local AWS did. jsonatapy follows jsonata-js, whose specification AWS implements, and its own tests.
Only a value is taken from it: an error, nothing at all, or time run out is for the emulator's
engine to tell, in the words of AWS. Where there is no wheel of it, that engine does everything.
"""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonata
from jsonata import parser
from ministack.services import stepfunctions

try:
    import jsonatapy
except ImportError:
    jsonatapy = None  # type: ignore[assignment]

#: The emulator's engine must say what comes out.
UNDECIDED = object()

#: Expressions of one machine: about a hundred. What a test makes up is dropped again.
KEPT = 4096
# As long as AWS gives an expression.
_MILLISECONDS = 1000
# Functions that Step Functions leaves out or adds with optional parts, or that draw by lot.
_LEFT = frozenset({"eval", "partition", "random", "range", "shuffle"})
_STATES = re.compile(r"\$states\b(?:\.(input|result|errorOutput|context)\b)?")
# Beyond it numbers are written in other ways.
_LARGEST = 1e15


@dataclass(frozen=True)
class _Needs:
    """What an expression names.

    Attributes
    ----------
    variables
        Without their ``$``.
    states
        Fields of ``$states``, or none if it is named whole.
    divides
        By what only the evaluation tells: division by nothing, an error for AWS, gives null here.
    """

    variables: frozenset[str]
    states: frozenset[str]
    divides: bool


def evaluated(expression: str, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    """Evaluate an expression of a state machine.

    Parameters
    ----------
    expression
        What stands between ``{%`` and ``%}``.
    states
        What ``$states`` is: ``input``, ``result``, ``errorOutput`` and ``context``.
    variables
        What the execution has assigned.

    Returns
    -------
    Any
        A JSON value that shares nothing with what was given, or ``UNDECIDED``.
    """
    needs = _needs(expression)
    if needs is None:
        return UNDECIDED
    bindings = {name: variables[name] for name in needs.variables if name in variables}
    if "states" in needs.variables:
        bindings["states"] = _part(states, needs.states)
    try:
        text = _compiled(expression).evaluate_json_or_none(None, bindings)
    except (OverflowError, TypeError, ValueError):
        return UNDECIDED
    if text is None or (needs.divides and "null" in text):
        return UNDECIDED
    return json.loads(text)


@functools.lru_cache(maxsize=KEPT)
def parsed(expression: str) -> Any:
    """Parse an expression by the emulator's engine, once.

    Raises
    ------
    jsonata.JException
        If it is none.
    """
    return jsonata.Jsonata.jsonata(expression)


@functools.lru_cache(maxsize=KEPT)
def _needs(expression: str) -> _Needs | None:
    """Give what an expression names; None for one that is left to the emulator's engine."""
    if jsonatapy is None:
        return None
    try:
        nodes = list(_nodes(parsed(expression).ast, None))
        # Not all that the other one reads: what is nested too deeply, say.
        jsonatapy.compile(expression)
    except (AttributeError, ValueError, jsonata.JException):
        return None
    if any(_left(node, above) for node, above in nodes):
        return None
    variables = {str(node.value) for node, _ in nodes if node.type == "variable"}
    fields = _STATES.findall(expression)
    states = frozenset(fields) if all(fields) else frozenset()
    return _Needs(frozenset(variables), states, any(_divides(node) for node, _ in nodes))


def _left(node: Any, above: Any) -> bool:
    """Whether the engines are known to differ about a part of an expression."""
    if node.type == "variable":
        return node.value in _LEFT
    if node.type == "number":
        return bool(abs(node.value) >= _LARGEST)
    # A function as a value: an error for AWS.
    return node.type in ("lambda", "partial") and (above is None or above.type == "unary")


def _divides(node: Any) -> bool:
    if node.type != "binary" or node.value not in ("/", "%"):
        return False
    return bool(node.rhs.type != "number" or node.rhs.value == 0)


def _nodes(root: Any, above: Any) -> Iterator[tuple[Any, Any]]:
    """Give every part of a parsed expression with the part that it stands in."""
    seen: set[int] = set()
    waiting = [(root, above)]
    while waiting:
        found, inside = waiting.pop()
        if isinstance(found, list | tuple):
            waiting += [(each, inside) for each in found]
        elif isinstance(found, parser.Parser.Symbol) and id(found) not in seen:
            seen.add(id(found))
            yield found, inside
            waiting += [(each, found) for each in vars(found).values()]


def _part(states: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    part = {name: value for name, value in states.items() if not fields or name in fields}
    context = part.get("context")
    if isinstance(context, Mapping):
        # The emulator keeps the variables there.
        part["context"] = {name: context[name] for name in context if name != "variables"}
    return part


_mine = threading.local()


def _compiled(expression: str) -> Any:
    """Give an expression for this thread, as no other may evaluate it."""
    if not hasattr(_mine, "compiled") or len(_mine.compiled) > KEPT:
        _mine.compiled = {}
    made = _mine.compiled.get(expression)
    if made is None:
        made = jsonatapy.compile(expression, timeout=_MILLISECONDS)
        for name in ("hash", "parse", "uuid"):
            made.register(name, getattr(stepfunctions, f"_sfn_jsonata_{name}"))
        _mine.compiled[expression] = made
    return made
