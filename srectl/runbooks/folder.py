"""The folder of a catalogue: which of its files are runbooks, which are tests, and which neither.

A team keeps its runbooks in a folder of its own, so every folder belongs to the catalogue, but
those whose names are taken for what belongs to tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["NOT_RUNBOOKS", "folders_of_tests", "misnamed", "named", "runbook_files"]

_TESTS = "tests"
#: Folders in which no runbook lies, nor a folder of them; as in any whose name begins with a dot.
NOT_RUNBOOKS = (_TESTS, "manifests")


def runbook_files(folder: Path) -> list[Path]:
    """Give the ``*.yaml`` of a catalogue: those of a folder before those of the folders in it."""
    return [path for room in _rooms(folder) for path in sorted(room.glob("*.yaml"))]


def misnamed(folder: Path) -> list[Path]:
    """Give the files of a catalogue that are meant to be read and are not: ``*.yml``."""
    return [path for room in _rooms(folder) for path in sorted(room.glob("*.yml"))]


def folders_of_tests(folder: Path) -> list[Path]:
    """Give the folders ``tests`` of a catalogue: its own, and that of each folder in it."""
    return [room / _TESTS for room in _rooms(folder) if (room / _TESTS).is_dir()]


def named(path: Path, folder: Path) -> str:
    """Name a file as people find it: from the folder of the catalogue on."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _rooms(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Give a folder and those in it that may hold runbooks; a link upwards leads nowhere."""
    here = folder.resolve()
    if here in above:
        return
    yield folder
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.name.startswith(".") and each.name not in NOT_RUNBOOKS:
            yield from _rooms(each, above | {here})
