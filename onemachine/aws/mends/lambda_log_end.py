"""Mends how the log of an invocation is read to its end.

The emulator cannot tell when a function's last line is there, and looks a thousand times a second
for up to 0.05 seconds after each answer: time that the caller waits, and that the other functions
lack. Here the worker says when it has written all, so that a log is complete, and waits for
nothing. Workers of other languages are read as before.
"""

from __future__ import annotations

import queue
import time
from typing import Any

from ministack.core import lambda_runtime

#: No line of a function: it has no newline of its own, and a zero byte in front.
_END = "\0srectl-end-of-invocation"
# The end comes right after the answer, unless the process is gone or the machine very busy.
_LONGEST_WAIT_SECONDS = 2.0
_LOOK_SECONDS = 0.1

_STOCK = """        _real_stdout.flush()

run()
"""
_MENDED = """        sys.stderr.write("\\0srectl-end-of-invocation\\n")
        sys.stderr.flush()
        _real_stdout.flush()

run()
"""


def apply() -> None:
    """Let Python workers mark the end, and read up to it.

    Raises
    ------
    RuntimeError
        If the emulator's worker script no longer holds the lines to be replaced.
    """
    if lambda_runtime._PYTHON_WORKER_SCRIPT.count(_STOCK) != 1:
        raise RuntimeError(
            "the emulator's Python worker script has changed: review the mend lambda_log_end"
        )
    script = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(_STOCK, _MENDED)
    lambda_runtime._PYTHON_WORKER_SCRIPT = script
    stock_drain = lambda_runtime.Worker._drain_stderr
    stock_bounded = lambda_runtime.Worker._drain_stderr_bounded

    def bounded(worker: Any) -> Any:
        if not str(worker.config.get("Runtime", "")).startswith("python"):
            return stock_bounded(worker)
        lines = []
        until = time.monotonic() + _LONGEST_WAIT_SECONDS
        while time.monotonic() < until:
            alive = worker._stderr_thread.is_alive()
            try:
                line = worker._stderr_queue.get(timeout=_LOOK_SECONDS if alive else 0)
            except queue.Empty:
                if alive:
                    continue
                break
            if line == _END:
                break
            lines.append(line)
        return "\n".join(lines)

    def drain(worker: Any) -> str:
        text: str = stock_drain(worker)
        return "\n".join(line for line in text.split("\n") if line != _END)

    lambda_runtime.Worker._drain_stderr_bounded = bounded
    lambda_runtime.Worker._drain_stderr = drain
