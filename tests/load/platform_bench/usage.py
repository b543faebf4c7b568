"""What the local AWS costs, read from /proc: CPU of the emulator and of its Lambdas, and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
# Fields of /proc/PID/stat after the name of the process, counted from the state.
_PARENT, _USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM = 1, 11, 12, 13, 14


@dataclass(frozen=True)
class Spent:
    """What a measurement has cost, and the floor on the machine as it was then.

    Parameters
    ----------
    cpu : Cpu
        Of the local AWS.
    floor : float
        CPU seconds of the floor's work, the mean of before and after.
    """

    cpu: Cpu
    floor: float


@dataclass(frozen=True)
class Cpu:
    """CPU seconds since the start."""

    emulator: float
    lambdas: float

    def __sub__(self, earlier: Cpu) -> Cpu:
        """Give what came in between."""
        return Cpu(self.emulator - earlier.emulator, self.lambdas - earlier.lambdas)

    @property
    def total(self) -> float:
        """Both."""
        return self.emulator + self.lambdas


def find_emulator(endpoint_url: str) -> int:
    """Give the process id of the local AWS behind an address.

    Raises
    ------
    SystemExit
        There is none on this machine.
    """
    port = f"GATEWAY_PORT={urlsplit(endpoint_url).port}".encode()
    for folder in _PROC.glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if command[1] != b"-m" or not command[2].endswith(b".aws.server"):
                continue
            if port in (folder / "environ").read_bytes().split(b"\0"):
                return int(folder.name)
        except (OSError, IndexError):
            continue
    raise SystemExit(f"no local AWS of this machine serves {endpoint_url}")


def cpu(emulator: int) -> Cpu:
    """Read the CPU time so far; children that have ended are Lambdas, too."""
    fields = _stat(emulator)
    lambdas = int(fields[_ENDED_USER]) + int(fields[_ENDED_SYSTEM])
    for child in _children(emulator):
        try:
            its = _stat(child)
        except OSError:
            continue
        lambdas += int(its[_USER]) + int(its[_SYSTEM])
    own = int(fields[_USER]) + int(fields[_SYSTEM])
    return Cpu(own / _TICKS, lambdas / _TICKS)


def memory_mb(emulator: int) -> tuple[float, float]:
    """Give the memory of the emulator and of its Lambdas in MB, shared pages shared out."""
    return _pss(emulator), sum(_pss(child) for child in _children(emulator))


def _stat(pid: int) -> list[str]:
    text = (_PROC / str(pid) / "stat").read_text("utf-8")
    return text.rpartition(")")[2].split()


def _children(parent: int) -> Iterator[int]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            if int(_stat(int(folder.name))[_PARENT]) == parent:
                yield int(folder.name)
        except OSError:
            continue


def _pss(pid: int) -> float:
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text("utf-8").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
