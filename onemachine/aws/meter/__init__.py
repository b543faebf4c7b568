"""Counts in the local AWS what the real one would charge for (:mod:`onemachine.cost.units`).

Nothing is counted unless the environment names a file; then hooks at the places where each service
passes add to a count, and the file holds all counts as JSON, ``{unit: {of: amount}}``, never older
than a fifth of a second. Hooks are put on after the mends, so that they see what a caller sees.
"""

from __future__ import annotations

import importlib
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from onemachine.aws.variables import METER_FILE_VARIABLE
from onemachine.cost.units import BY_NAME

__all__ = ["Meter", "arm", "read"]

_WRITE_SECONDS = 0.2
_HOOKS = ("calls", "machines", "tables", "messages", "keys", "objects")

Counts = Mapping[str, Mapping[str, float]]


class Meter:
    """Counts, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._changed = True

    def add(self, unit: str, amount: float = 1, of: str = "") -> None:
        """Count an amount of a unit, and of what (a table, a machine ...).

        Raises
        ------
        KeyError
            There is no such unit.
        """
        if unit not in BY_NAME:
            raise KeyError(unit)
        with self._lock:
            self._counts[unit][of] += amount
            self._changed = True

    def taken(self) -> dict[str, dict[str, float]] | None:
        """Give all counts, None where none has changed since they were asked for last."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            return {unit: dict(each) for unit, each in self._counts.items()}


def _keep_written(meter: Meter, file: Path) -> None:
    beside = file.with_suffix(".new")
    while True:
        counts = meter.taken()
        if counts is not None:
            beside.write_text(json.dumps(counts), "utf-8")
            beside.replace(file)
        time.sleep(_WRITE_SECONDS)


def arm() -> None:
    """Count from now on, if the environment names a file to count in."""
    name = os.environ.get(METER_FILE_VARIABLE)
    if not name:
        return
    meter = Meter()
    for hook in _HOOKS:
        importlib.import_module(f"{__name__}.{hook}").apply(meter)
    threading.Thread(target=_keep_written, args=(meter, Path(name)), daemon=True).start()


def read(file: Path) -> Counts:
    """Read what has been counted since the local AWS started.

    Raises
    ------
    OSError
        The file is missing: the local AWS does not count.
    """
    counts: Counts = json.loads(file.read_text("utf-8"))
    return counts
