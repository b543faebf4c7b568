"""A process of this machine, told from any later one that gets the same id.

A process id alone is never trusted: it is kept together with the time at which its process
started, so that a recycled id is never signalled. Linux only (``/proc``, pidfds).
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessIdentity"]

_POLL_SECONDS = 0.05
_STAT_START_TIME = 19  # field 22 of proc(5)'s stat, counted after the command's closing bracket
_STAT_STATE = 0


@dataclass(frozen=True)
class ProcessIdentity:
    """One process, told from any later one that gets the same id.

    Parameters
    ----------
    pid : int
        Process id.
    start_time : int
        Start in clock ticks since boot (field 22 of ``/proc/<pid>/stat``).
    """

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Look a running process up; None where there is none."""
        fields = _stat(pid)
        return None if fields is None else cls(pid, int(fields[_STAT_START_TIME]))

    def alive(self) -> bool:
        """Whether this very process still runs; one that ended and is not reaped does not."""
        fields = _stat(self.pid)
        return (
            fields is not None
            and int(fields[_STAT_START_TIME]) == self.start_time
            and fields[_STAT_STATE] not in ("Z", "X")
        )

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to this very process and to no other.

        Returns
        -------
        bool
            False where the process is gone.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The handle pins the process before its age is read, so nothing can slip in between.
            if not self.alive():
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    def wait_gone(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until it has ended; False where it has not."""
        deadline = time.monotonic() + timeout
        while self.alive():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command stands in brackets and may itself contain brackets and blanks.
    return text.rpartition(")")[2].split()
