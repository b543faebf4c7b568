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
import hashlib
import inspect
import math
import re
import time
from types import SimpleNamespace
from typing import Any

import jsonata
from jsonata import timebox
from jsonata.jexception import JException
from ministack.services import stepfunctions

# Expressions of one machine: about a hundred. What a test makes up is dropped again.
_KEPT = 4096
_STEPS_BETWEEN_LOOKS = 32

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


class _Frame(jsonata.Jsonata.Frame):  # type: ignore[misc]  # the package has no types
    """The engine's frame of bindings, asked in a loop: most names stand far out."""

    def lookup(self, name: str) -> Any:
        """Give the innermost binding of a name."""
        frame: Any = self
        while frame is not None:
            value = frame.bindings.get(name, _NONE)
            if value is not _NONE:
                return value
            frame = frame.parent
        return None


class _Evaluation(jsonata.Jsonata):  # type: ignore[misc]  # the package has no types
    """The engine with its inner loop straightened: made for one evaluation, on one thread.

    What it leaves out: looking for the instance of this thread, which is this one; two callbacks
    at each step, in place of which the steps are counted here; and the flag of parallel calls,
    which only those callbacks read.
    """

    input: Any
    environment: Any
    until: float
    steps: int

    def create_frame(self, enclosing_environment: Any = None) -> Any:
        """Give a new frame."""
        return _Frame(enclosing_environment)

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:
        """Evaluate an expression, and come back to where this was."""
        before = self.input, self.environment
        try:
            return self._eval(expr, input, environment)
        finally:
            self.input, self.environment = before

    def _eval(self, expr: Any, input: Any, environment: Any) -> Any:
        self.input, self.environment = input, environment
        self.steps += 1
        if self.steps % _STEPS_BETWEEN_LOOKS == 0 and time.thread_time() > self.until:
            raise JException("D1012", -1, self.timeout)
        kind = getattr(expr, "type", None)
        way = _WAYS.get(kind)
        result = None if way is None else way(self, expr, input, environment)
        if getattr(expr, "predicate", None) is not None:
            for item in expr.predicate:
                result = self.evaluate_filter(item.expr, result, environment)
        if kind is not None and kind != "path" and getattr(expr, "group", None) is not None:
            result = self.evaluate_group_expression(expr.group, result, environment)
        if result is None or not _is_sequence(result) or result.tuple_stream:
            return result
        if expr.keep_array:
            result.keep_singleton = True
        if not result:
            return None
        return result[0] if len(result) == 1 and not result.keep_singleton else result

    def evaluate_group_expression(self, expr: Any, input: Any, environment: Any) -> Any:
        """Make an object; one whose keys are written out needs no groups."""
        pairs = expr.lhs_object
        keys = [key.value for key, _ in pairs if key.type == "string"]
        if isinstance(input, list) or len(keys) < len(pairs) or len(set(keys)) < len(keys):
            return super().evaluate_group_expression(expr, input, environment)
        made = {}
        for key, (_, expression) in zip(keys, pairs, strict=True):
            value = self.eval(expression, input, environment)
            if value is not None:
                made[key] = value
        return made


def _literal(this: Any, expr: Any, _input: Any, _environment: Any) -> Any:
    return this.evaluate_literal(expr)


_NONE = jsonata.utils.Utils.NONE
_is_sequence = jsonata.utils.Utils.is_sequence
_engine: Any = jsonata.Jsonata
# As the engine's own method decides; apply() makes sure that it still does.
_WAYS: dict[Any, Any] = {
    "path": _engine.evaluate_path,
    "binary": _engine.evaluate_binary,
    "unary": _engine.evaluate_unary,
    "name": _engine.evaluate_name,
    **dict.fromkeys(("string", "number", "value"), _literal),
    "wildcard": lambda this, expr, given, _: this.evaluate_wildcard(expr, given),
    "descendant": lambda this, expr, given, _: this.evaluate_descendants(expr, given),
    "parent": lambda _this, expr, _given, environment: environment.lookup(expr.slot.label),
    "condition": _engine.evaluate_condition,
    "block": _engine.evaluate_block,
    "bind": _engine.evaluate_bind_expression,
    "regex": lambda this, expr, _given, _: this.evaluate_regex(expr),
    "function": lambda this, *where: this.evaluate_function(*where, _NONE),
    "variable": _engine.evaluate_variable,
    "lambda": _engine.evaluate_lambda,
    "partial": _engine.evaluate_partial_application,
    "apply": _engine.evaluate_apply_expression,
    "transform": _engine.evaluate_transform_expression,
}
_ENGINES_OWN = "0423f0df2f0b9e65"


def _compiled(expression: str, timeout: int | None = None) -> Any:
    """Stand in for ``Jsonata.jsonata``: parsed maybe earlier, everything else new."""
    made = copy.copy(_parsed(expression))
    made.__class__ = _Evaluation
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
    source = inspect.getsource(jsonata.Jsonata._eval) + inspect.getsource(jsonata.Jsonata.eval)
    if hashlib.sha256(source.encode()).hexdigest()[:16] != _ENGINES_OWN:
        raise RuntimeError("the JSONata engine has changed: review the mend jsonata_compiled")
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
