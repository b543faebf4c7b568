"""The JSONata engine with its inner loop straightened, for the machines of the local AWS.

What comes out is what the engine gives (``tests/unit/onemachine/aws/test_jsonata_compiled.py``
asks both); only the way there is shorter. A burst of alerts evaluates some ten thousand
expressions, which was a third of all that the local AWS did.
"""

from __future__ import annotations

import hashlib
import inspect
import time
from typing import Any

import jsonata
from jsonata import signature
from jsonata.jexception import JException

_STEPS_BETWEEN_LOOKS = 32


class Frame(jsonata.Jsonata.Frame):  # type: ignore[misc]  # the package has no types
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


class Evaluation(jsonata.Jsonata):  # type: ignore[misc]  # the package has no types
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
        return Frame(enclosing_environment)

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:
        """Evaluate an expression, and come back to where this was."""
        self.steps += 1
        if self.steps % _STEPS_BETWEEN_LOOKS == 0 and time.thread_time() > self.until:
            raise JException("D1012", -1, self.timeout)
        kind = expr.type
        if kind in _LEAVES and expr.predicate is None and expr.group is None:
            if kind != "variable":
                return _NULL if expr.value is None else expr.value
            result = _bound(expr.value, input, environment)
            return result if result.__class__ is not _JList else _unwrapped(expr, result)
        before_input, before_environment = self.input, self.environment
        self.input, self.environment = input, environment
        try:
            way = _WAYS.get(kind)
            result = None if way is None else way(self, expr, input, environment)
            if expr.predicate is not None:
                for item in expr.predicate:
                    result = self.evaluate_filter(item.expr, result, environment)
            if kind is not None and kind != "path" and expr.group is not None:
                result = self.evaluate_group_expression(expr.group, result, environment)
        finally:
            self.input, self.environment = before_input, before_environment
        return result if result.__class__ is not _JList else _unwrapped(expr, result)

    def evaluate_path(self, expr: Any, input: Any, environment: Any) -> Any:
        """Follow a path; one that only names fields of objects needs no sequences."""
        steps = expr.__dict__.get(_STEPS)
        if steps is None:
            steps = expr.__dict__[_STEPS] = _plain_steps(expr)
        value = input
        for step in steps:
            if step.type == "variable":
                value = _bound(step.value, value, environment)
            elif isinstance(value, dict):
                value = value.get(step.value, _NONE)
                if value is None:
                    value = _NULL
            elif isinstance(value, list):
                break
            else:
                return None
        else:
            if steps and not isinstance(value, list):
                return None if value is _NONE else value
        return super().evaluate_path(expr, input, environment)

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


def _bound(name: str, input: Any, environment: Any) -> Any:
    """Give what a variable stands for; ``$`` alone stands for where the expression is."""
    if name:
        return environment.lookup(name)
    return input[0] if isinstance(input, _JList) and input.outer_wrapper else input


def _plain_steps(path: Any) -> tuple[Any, ...]:
    """Give the steps of a path of names, after a variable perhaps; else none."""
    extras = "stages", "predicate", "group", "tuple", "focus", "index", "ancestor", "consarray"
    if path.group is not None or path.tuple is not None or path.keep_singleton_array:
        return ()
    for at, step in enumerate(path.steps):
        if step.type != "name" and not (step.type == "variable" and at == 0):
            return ()
        if step.keep_array or any(getattr(step, extra, None) for extra in extras):
            return ()
    return tuple(path.steps)


def _unwrapped(expr: Any, result: Any) -> Any:
    """Give a sequence of one as the one, an empty one as nothing."""
    if not result.sequence or result.tuple_stream:
        return result
    if expr.keep_array:
        result.keep_singleton = True
    if not result:
        return None
    return result[0] if len(result) == 1 and not result.keep_singleton else result


_NONE = jsonata.utils.Utils.NONE
_NULL = jsonata.utils.Utils.NULL_VALUE
_JList = jsonata.utils.Utils.JList
_STEPS = "_plain_steps"
_LEAVES = frozenset({"string", "number", "value", "variable"})
_engine: Any = jsonata.Jsonata
# As the engine's own method decides; quicken() makes sure that it still does.
_WAYS: dict[Any, Any] = {
    "path": Evaluation.evaluate_path,
    "binary": _engine.evaluate_binary,
    "unary": _engine.evaluate_unary,
    "name": _engine.evaluate_name,
    **dict.fromkeys(
        ("string", "number", "value"), lambda this, expr, *_: this.evaluate_literal(expr)
    ),
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

# What stands here in other words.
_RESTATED = (
    *(_engine._eval, _engine.eval, _engine.evaluate_literal, _engine.evaluate_variable),
    *(_engine.evaluate_path, _engine.evaluate_step, _engine.evaluate_name),
    *(jsonata.functions.Functions.lookup, jsonata.utils.Utils.is_function, _JList),
    signature.Signature.get_symbol,
)
_ENGINES_OWN = "3f9b517bb206ce7e"


def _digest() -> str:
    source = "".join(map(inspect.getsource, _RESTATED))
    return hashlib.sha256(source.encode()).hexdigest()[:16]


# Before anything of it is replaced.
_FOUND = _digest()
_slow_symbol = signature.Signature.get_symbol
_SYMBOLS = {str: "s", bool: "b", int: "n", float: "n", list: "a", _JList: "a", dict: "o"}


def quicken() -> None:
    """Let the engine tell what a value is by its class, and make its lists without a loop.

    Raises
    ------
    RuntimeError
        If the engine is no longer the one that stands here in other words.
    """
    if _FOUND != _ENGINES_OWN:
        raise RuntimeError(
            "the JSONata engine has changed: review onemachine/aws/jsonata_engine.py"
        )
    signature.Signature.get_symbol = lambda this, value: (
        _SYMBOLS.get(value.__class__) or _slow_symbol(this, value)
    )
    callable_ = jsonata.Jsonata.JFunctionCallable
    jsonata.utils.Utils.is_function = staticmethod(lambda value: isinstance(value, callable_))
    for flag in vars(_JList()):
        setattr(_JList, flag, False)
    if "__init__" in vars(_JList):
        del _JList.__init__
