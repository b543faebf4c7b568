"""Kills what a killed agent leaves behind.

The parent-death signal reaches the first process of a container, not what that process has
started. So the agent tells this small process about each process group it starts (``+123``)
and each that has ended (``-123``); when the pipe closes, in whatever way the agent died, the
groups that remain are killed. Run as a script; standard library only.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


def main() -> None:
    """Follow the agent's messages until it is gone, then kill the rest."""
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


class Guard:
    """The agent's end of the pipe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={},
            text=True,
        )

    def watch(self, group: int) -> None:
        """Remember a process group."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Forget a process group that is gone."""
        self._tell(f"-{group}\n")

    def _tell(self, message: str) -> None:
        pipe = self._process.stdin
        if pipe is None:
            return
        # without the guard the parent-death signal is still there
        with self._lock, contextlib.suppress(OSError, ValueError):
            pipe.write(message)
            pipe.flush()

    def close(self) -> None:
        """End the guard, which kills whatever has not been forgotten."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait(timeout=10)


if __name__ == "__main__":
    main()
