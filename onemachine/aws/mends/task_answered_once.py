"""Mends how often a task that waits for a callback may be answered: once.

Step Functions takes the first answer and refuses every later one (``TaskTimedOut``: the task has
been closed). The emulator takes all that come before the execution has woken up, and goes on with
the last one: of two people who answer at the same moment both were told that theirs counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions

Answer = Callable[[dict[str, Any]], Any]


def apply() -> None:
    """Let nobody answer what somebody has answered."""
    lock = threading.Lock()

    def once(stock: Answer) -> Answer:
        def send(data: dict[str, Any]) -> Any:
            with lock:
                waiting = stepfunctions._task_tokens.get(data.get("taskToken"))
                if waiting and waiting.get("answered"):
                    said = "Task Timed Out: 'Provided task does not exist anymore'"
                    return error_response_json("TaskTimedOut", said, 400)
                if waiting:
                    waiting["answered"] = True
            return stock(data)

        return send

    stepfunctions._send_task_success = once(stepfunctions._send_task_success)
    stepfunctions._send_task_failure = once(stepfunctions._send_task_failure)
