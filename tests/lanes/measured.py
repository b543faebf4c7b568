"""Runs a command and tells what it took: ``python -m tests.lanes.measured TOLD LOG COMMAND...``.

The CPU time is that of the command and of everything it started, daemons that outlived it
included: they become children of this process, which reaps them. Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LAST_SECONDS = 5.0


def main(told: Path, log: Path, command: list[str]) -> int:
    """Run the command, write exit code, wall and CPU seconds as JSON to ``told``; give the code."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    began = time.time()
    child = os.fork()
    if child == 0:
        _become(command, log)
    # Whoever ends this process interrupts the command, which then cleans up by itself.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGINT))
    code = _reap_until(child)
    ended = time.time()
    _reap_the_rest(time.monotonic() + _LAST_SECONDS)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told.write_text(
        json.dumps(
            {
                "code": code,
                "began": began,
                "ended": ended,
                "cpu": used.ru_utime + used.ru_stime,
            }
        )
    )
    return code


def _become(command: list[str], log: Path) -> None:
    try:
        os.setpgid(0, 0)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(command[0], command)  # noqa: S606 - as in run.py, no shell
    finally:
        os._exit(127)


def _reap_until(child: int) -> int:
    while True:
        reaped, status = os.wait()
        if reaped == child:
            return os.waitstatus_to_exitcode(status)


def _reap_the_rest(deadline: float) -> None:
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
