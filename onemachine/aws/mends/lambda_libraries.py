"""Mends which libraries a function finds: those of its archive, and the SDK of the runtime.

The emulator starts a worker with all that is installed beside it, so that a function may work here
only because of a library that it will not have on AWS. And what is installed is loaded: botocore
takes the common runtime and OpenSSL where it sees them, a third of what its import computes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

from onemachine.aws.managed_runtime import isolated_python, linked

#: Beside the emulator's own folders of functions, which are cleared away at start and end, too.
_PREFIX = "lambda-runtime-"


def apply() -> None:
    """Start workers of Python without this environment, and with a folder of the SDK."""
    stock = lambda_runtime.subprocess
    runtime = linked(Path(tempfile.mkdtemp(prefix=_PREFIX)))

    def popen(command: list[str], **named: Any) -> Any:
        if command[0] == sys.executable:
            command = [*isolated_python(), *command[1:]]
            named["env"] = {**named["env"], "PYTHONPATH": str(runtime)}
        return stock.Popen(command, **named)

    # The module's view of subprocess only: the real one stays as it is for everybody else.
    lambda_runtime.subprocess = SimpleNamespace(
        Popen=popen,
        PIPE=stock.PIPE,
        STDOUT=stock.STDOUT,
        DEVNULL=stock.DEVNULL,
        TimeoutExpired=stock.TimeoutExpired,
        run=stock.run,
    )
