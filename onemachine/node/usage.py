"""The CPU that containers use, as cAdvisor tells it: read from the processes themselves."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_NAME = "container_cpu_usage_seconds_total"
# Fields of proc(5) stat after the name in parentheses: session, and four times in ticks.
_SESSION, _TIMES = 3, slice(11, 15)


def cpu_by_session(proc: Path = _PROC) -> dict[int, float]:
    """Give the CPU seconds of each session of processes: of those that live, and those they buried.

    Parameters
    ----------
    proc : Path
        Where the kernel tells of processes.
    """
    found: dict[int, float] = {}
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            _, _, rest = (entry / "stat").read_text("ascii", "replace").rpartition(")")
        except OSError:  # ended just now
            continue
        fields = rest.split()
        session = int(fields[_SESSION])
        used = sum(int(each) for each in fields[_TIMES]) / _TICKS
        found[session] = found.get(session, 0.0) + used
    return found


class CpuUsage:
    """Which containers run, and what CPU each has used since it started."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[str, str, str]] = {}
        self._lock = threading.Lock()

    def begin(self, session: int, namespace: str, pod: str, container: str) -> None:
        """Take note of a container that started; its processes are one session."""
        with self._lock:
            self._running[session] = (namespace, pod, container)

    def end(self, session: int) -> None:
        """Take note of one that ended."""
        with self._lock:
            self._running.pop(session, None)

    def exposition(self) -> str:
        """Write it in Prometheus' text format."""
        with self._lock:
            running = dict(self._running)
        return exposition(running, cpu_by_session() if running else {})


def exposition(running: Mapping[int, tuple[str, str, str]], cpu: Mapping[int, float]) -> str:
    """Write the CPU of containers in Prometheus' text format."""
    lines = [f"# HELP {_NAME} Cumulative cpu time consumed in seconds.", f"# TYPE {_NAME} counter"]
    lines += [
        f'{_NAME}{{namespace="{namespace}",pod="{pod}",container="{container}"}} {cpu[session]:.2f}'
        for session, (namespace, pod, container) in sorted(running.items())
        if session in cpu
    ]
    return "\n".join(lines) + "\n"
