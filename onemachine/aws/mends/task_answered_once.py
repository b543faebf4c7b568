"""Mends how often a task that waits for a callback may be answered: once.

Step Functions takes the first answer and refuses every later one as ``TaskTimedOut``: the task
"has already been closed" (API reference of SendTaskSuccess). The emulator takes all that come
before the execution has woken up, and goes on with the last one: of two people who answer at the
same moment both were told that theirs counts. What comes after that it calls unknown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions

Answer = Callable[[dict[str, Any]], Any]


#: Tokens that are remembered after their answer; no machine has as many open.
_MOST = 10_000


def apply() -> None:
    """Let nobody answer what somebody has answered."""
    lock = threading.Lock()
    answered: dict[str, None] = {}

    def once(stock: Answer) -> Answer:
        def send(data: dict[str, Any]) -> Any:
            token = str(data.get("taskToken"))
            with lock:
                if token in answered:
                    said = "Task Timed Out: 'Provided task does not exist anymore'"
                    return error_response_json("TaskTimedOut", said, 400)
                if stepfunctions._task_tokens.get(token):
                    answered[token] = None
                if len(answered) > _MOST:
                    del answered[next(iter(answered))]
            return stock(data)

        return send

    stepfunctions._send_task_success = once(stepfunctions._send_task_success)
    stepfunctions._send_task_failure = once(stepfunctions._send_task_failure)
