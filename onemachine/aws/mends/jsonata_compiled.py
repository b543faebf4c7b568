"""Mends the time that JSONata takes: an expression is parsed once, and evaluated by compiled code.

The expressions of a state machine are few and the same for every execution, yet the emulator parses
each one anew whenever it is evaluated, which was a quarter of its time in a burst of alerts. What
comes out is the same as before: each evaluation still gets an environment and a clock of its own,
and the second that AWS allows it, and what is refused is refused each time. An expression that only
names a value (``$states.input.detail``) is looked up without an engine where the way to it is
plain; wherever JSONata has a rule of its own (arrays, null, nothing there) an engine decides.

All of it is done by one thread (:mod:`onemachine.aws.evaluator`), which is given as much as a state
evaluates at once: to hand over costs as much as a short expression.
"""

from __future__ import annotations

import copy
import functools
import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jsonata
from jsonata import timebox
from jsonata.jexception import JException
from ministack.services import stepfunctions

from onemachine.aws.evaluator import Evaluator
from onemachine.aws.jsonata_quickly import KEPT, UNDECIDED, evaluated, parsed

_PLAIN = re.compile(r"\$([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)")
_AT_ONCE = ("_execute_pass", "_execute_choice", "_apply_jsonata_template", "_apply_state_assign")
_WORDS = frozenset({"and", "or", "in", "true", "false", "null", "function"})


@functools.lru_cache(maxsize=KEPT)
def _plain_path(expression: str) -> tuple[str, tuple[str, ...]] | None:
    """Give variable and fields of an expression that only names a value; else None."""
    match = _PLAIN.fullmatch(expression)
    if match is None:
        return None
    fields = tuple(match[2].split(".")[1:])
    return None if _WORDS.intersection(fields) else (match[1], fields)


def _compiled(expression: str, timeout: int | None = None) -> Any:
    """Stand in for ``Jsonata.jsonata``: parsed maybe earlier, everything else new."""
    made = copy.copy(parsed(expression))
    made.environment = made.create_frame(jsonata.Jsonata.static_frame)
    made.timestamp = timebox.Timebox.current_milli_time()
    if timeout is not None:
        made.environment.set_evaluate_entry_callback(_end_after(timeout))
    # Functions such as $now and $map find the expression that they belong to here.
    jsonata.Jsonata.CURRENT.jsonata = made
    return made


def _end_after(milliseconds: int) -> Callable[..., None]:
    """Give what ends an evaluation when its own thread has computed for so long.

    On a busy machine the others' time would be counted, too, and an expression of a millisecond
    would now and then be refused.
    """
    until = time.thread_time() + milliseconds / 1000

    def look(*_: Any) -> None:
        if time.thread_time() > until:
            raise JException("D1012", -1, milliseconds)

    return look


def _looked_up(path: tuple[str, tuple[str, ...]], states: dict[str, Any], ctx: Any) -> Any:
    """Follow a plain path; ``UNDECIDED`` where JSONata must say what comes out."""
    name, fields = path
    value = states if name == "states" else ctx.get("variables", {}).get(name)
    for field in fields:
        if not isinstance(value, dict):
            return UNDECIDED
        value = value.get(field)
    return UNDECIDED if value is None or isinstance(value, list) else value


def apply() -> None:
    """Let Step Functions alone take its expressions from here."""
    stock = stepfunctions._evaluate_jsonata

    def evaluate(
        expression: str, raw_input: Any, ctx: Any = None, result: Any = None, error: Any = None
    ) -> Any:
        states = {"input": raw_input, "result": result, "errorOutput": error, "context": ctx or {}}
        path = _plain_path(expression)
        found = UNDECIDED if path is None else _looked_up(path, states, ctx or {})
        if found is UNDECIDED:
            found = evaluated(expression, states, (ctx or {}).get("variables", {}))
        if found is UNDECIDED:
            return stock(expression, raw_input, ctx, result, error)
        return found

    stepfunctions._evaluate_jsonata = evaluate
    stepfunctions.jsonata = SimpleNamespace(
        Jsonata=SimpleNamespace(jsonata=_compiled), utils=jsonata.utils
    )
    evaluator = Evaluator()
    for name in _AT_ONCE:
        setattr(stepfunctions, name, evaluator.alone(getattr(stepfunctions, name)))
