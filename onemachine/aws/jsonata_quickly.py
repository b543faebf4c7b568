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
# A variable, and the fields that are named right behind it.
_PATHS = re.compile(r"\$(\w+)((?:\.(?!function\b)(?:[A-Za-z_]\w*|`[^`]*`))*)")
_FIELDS = re.compile(r"\w+|`[^`]*`")
# Beyond it numbers are written in other ways.
_LARGEST = 1e15


#: Which fields of a value are named, and of them which; None for all of it.
_Fields = Mapping[str, "_Fields | None"]


@dataclass(frozen=True)
class _Needs:
    """What an expression names.

    Attributes
    ----------
    variables
        Without their ``$``, with what is named of them: to hand a value over costs more than most
        expressions.
    divides
        By what only the evaluation tells: division by nothing, an error for AWS, gives null here.
    """

    variables: Mapping[str, _Fields | None]
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
    given = {**variables, "states": _visible(states)} if "states" in needs.variables else variables
    bindings = {
        name: _named_of(given[name], fields)
        for name, fields in needs.variables.items()
        if name in given
    }
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
    fields = _fields(expression)
    needed = {name: fields.get(name) for name in variables}
    return _Needs(needed, any(_divides(node) for node, _ in nodes))


def _fields(expression: str) -> dict[str, _Fields | None]:
    """Give of each variable which fields a text names; whatever else it does is all of it."""
    if "%" in expression:  # the parent of a value, which no path names
        return {}
    found: dict[str, Any] = {}
    for name, path in _PATHS.findall(expression):
        place, key = found, name
        for field in _FIELDS.findall(path):
            inner = place.setdefault(key, {})
            if inner is None:
                break
            place, key = inner, field.strip("`")
        else:
            place[key] = None
    return found


def _named_of(value: Any, fields: _Fields | None) -> Any:
    """Give what is named of a value; of an array that is all of it."""
    if fields is None or not isinstance(value, dict):
        return value
    return {name: _named_of(value[name], each) for name, each in fields.items() if name in value}


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


def _visible(states: Mapping[str, Any]) -> dict[str, Any]:
    """Give ``$states`` as an expression sees it."""
    context = states.get("context")
    if not isinstance(context, Mapping):
        return dict(states)
    # The emulator keeps the variables there.
    seen = {name: context[name] for name in context if name != "variables"}
    return {**states, "context": seen}


_mine = threading.local()


def _compiled(expression: str) -> Any:
    """Give an expression for this thread, as no other may use it."""
    if not hasattr(_mine, "compiled") or len(_mine.compiled) > KEPT:
        _mine.compiled = {}
    made = _mine.compiled.get(expression)
    if made is None:
        made = jsonatapy.compile(expression, timeout=_MILLISECONDS)
        for name in ("hash", "parse", "uuid"):
            made.register(name, getattr(stepfunctions, f"_sfn_jsonata_{name}"))
        _mine.compiled[expression] = made
    return made
