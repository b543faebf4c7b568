"""What the local AWS has refused since it started: who was not allowed to do what.

A test that takes a grant away learns here that it was missed; it need not wait until something has
not happened. Each refusal is one line of JSON in the file that the environment names: the fields of
the emulator's ``EvalContext``, among them ``principal_arn``, ``action`` and ``resource_arn``.
Requests with wrong credentials are not among them.
"""

from __future__ import annotations

import dataclasses
import json
import os
from contextvars import ContextVar
from typing import Any

from onemachine.aws.variables import DENIALS_FILE_VARIABLE

_asked: ContextVar[Any] = ContextVar("asked", default=None)


def note(question: Any) -> None:
    """Keep a refused call.

    Parameters
    ----------
    question : ministack.core.iam_evaluator.EvalContext
        Who asked for which action on what, under which circumstances.
    """
    file = os.environ.get(DENIALS_FILE_VARIABLE)
    if not file:
        return
    line = json.dumps(dataclasses.asdict(question), default=str)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (line + "\n").encode())
    finally:
        os.close(descriptor)


def watch() -> None:
    """Keep what the emulator refuses from now on."""
    # Imported here: the emulator's modules read the environment when they are imported.
    from ministack.core import iam_evaluator

    stock_evaluate, stock_enforce = iam_evaluator.evaluate, iam_evaluator.enforce

    def evaluate(question: Any, *policies: Any) -> Any:
        _asked.set(question)
        return stock_evaluate(question, *policies)

    def enforce(*arguments: Any, **named: Any) -> Any:
        token = _asked.set(None)
        try:
            refusal = stock_enforce(*arguments, **named)
            question = _asked.get()
        finally:
            _asked.reset(token)
        if isinstance(refusal, iam_evaluator.EvalResult) and question is not None:
            note(question)
        return refusal

    iam_evaluator.evaluate, iam_evaluator.enforce = evaluate, enforce
