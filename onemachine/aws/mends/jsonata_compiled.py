"""Mends the time that JSONata takes: an expression is parsed once.

The expressions of a state machine are few and the same for every execution, yet the emulator parses
each one anew whenever it is evaluated, which was a quarter of its time in a burst of alerts. What
comes out is the same as before: each evaluation still gets an environment and a clock of its own,
and the second that AWS allows it, and what is refused is refused each time. An expression that only
names a value (``$states.input.detail``) is looked up without the engine where the way to it is
plain; wherever JSONata has a rule of its own (arrays, null, nothing there) the engine decides.
"""

from __future__ import annotations

import copy
import functools
import math
import re
import time
from types import SimpleNamespace
from typing import Any

import jsonata
from jsonata import timebox
from ministack.services import stepfunctions

from onemachine.aws.jsonata_engine import Evaluation, quicken

# Expressions of one machine: about a hundred. What a test makes up is dropped again.
_KEPT = 4096

_PLAIN = re.compile(r"\$([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)")
_WORDS = frozenset({"and", "or", "in", "true", "false", "null", "function"})
_ENGINE = object()


@functools.lru_cache(maxsize=_KEPT)
def _parsed(expression: str) -> Any:
    return jsonata.Jsonata.jsonata(expression)


@functools.lru_cache(maxsize=_KEPT)
def _plain_path(expression: str) -> tuple[str, tuple[str, ...]] | None:
    """Give variable and fields of an expression that only names a value; else None."""
    match = _PLAIN.fullmatch(expression)
    if match is None:
        return None
    fields = tuple(match[2].split(".")[1:])
    return None if _WORDS.intersection(fields) else (match[1], fields)


def _compiled(expression: str, timeout: int | None = None) -> Any:
    """Stand in for ``Jsonata.jsonata``: parsed maybe earlier, everything else new."""
    made = copy.copy(_parsed(expression))
    made.__class__ = Evaluation
    made.timeout = timeout
    # Of this thread's own time: on a busy machine the others' would be counted, too, and an
    # expression of a millisecond would now and then be refused.
    made.until = math.inf if timeout is None else time.thread_time() + timeout / 1000
    made.steps = 0
    made.environment = made.create_frame(jsonata.Jsonata.static_frame)
    made.timestamp = timebox.Timebox.current_milli_time()
    # Functions such as $now and $map find the expression that they belong to here.
    jsonata.Jsonata.CURRENT.jsonata = made
    return made


def _looked_up(path: tuple[str, tuple[str, ...]], states: dict[str, Any], ctx: Any) -> Any:
    """Follow a plain path; ``_ENGINE`` where JSONata must say what comes out."""
    name, fields = path
    value = states if name == "states" else ctx.get("variables", {}).get(name)
    for field in fields:
        if not isinstance(value, dict):
            return _ENGINE
        value = value.get(field)
    return _ENGINE if value is None or isinstance(value, list) else value


def apply() -> None:
    """Let Step Functions alone take its expressions from here.

    Raises
    ------
    RuntimeError
        If the engine's inner loop is no longer the one that stands here in other words.
    """
    quicken()
    stock = stepfunctions._evaluate_jsonata

    def evaluate(
        expression: str, raw_input: Any, ctx: Any = None, result: Any = None, error: Any = None
    ) -> Any:
        path = _plain_path(expression)
        if path is not None:
            states = {"input": raw_input, "result": result, "errorOutput": error, "context": ctx}
            found = _looked_up(path, states, ctx or {})
            if found is not _ENGINE:
                return found
        return stock(expression, raw_input, ctx, result, error)

    stepfunctions._evaluate_jsonata = evaluate
    stepfunctions.jsonata = SimpleNamespace(
        Jsonata=SimpleNamespace(jsonata=_compiled), utils=jsonata.utils
    )
