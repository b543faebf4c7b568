"""The folder of a catalogue: which of its files are runbooks, which are tests, and which neither.

A team keeps its runbooks in a folder of its own, so every folder belongs to the catalogue, but
those whose names are taken for what belongs to tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "NOT_RUNBOOKS",
    "folders_of_tests",
    "leading_out",
    "misnamed",
    "named",
    "real",
    "runbook_files",
]

_TESTS = "tests"
#: Folders in which no runbook lies, nor a folder of them; as in any whose name begins with a dot.
NOT_RUNBOOKS = (_TESTS, "manifests")


def runbook_files(folder: Path) -> list[Path]:
    """Give the ``*.yaml`` of a catalogue: those of a folder before those of the folders in it."""
    return [path for room in _rooms(folder) for path in sorted(room.glob("*.yaml"))]


def misnamed(folder: Path) -> list[Path]:
    """Give the files of a catalogue that are meant to be read and are not: ``*.yml``."""
    return [path for room in _rooms(folder) for path in sorted(room.glob("*.yml"))]


def leading_out(folder: Path) -> list[Path]:
    """Give the folders of a catalogue that are links to elsewhere: nothing in them is read."""
    found = [each for room in _rooms(folder) for each in _folders(room)]
    found += [room / _TESTS for room in _rooms(folder) if (room / _TESTS).is_dir()]
    return [each for each in found if not _is_in(each, folder)]


def folders_of_tests(folder: Path) -> list[Path]:
    """Give the folders ``tests`` of a catalogue: its own, and that of each folder in it."""
    places = [room / _TESTS for room in _rooms(folder) if (room / _TESTS).is_dir()]
    return [each for each in places if _is_in(each, folder)]


def named(path: Path, folder: Path) -> str:
    """Name a file as people find it: from the folder of the catalogue on."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def real(path: Path) -> Path:
    """Follow links; one that leads to itself is left as it is, and cannot be opened."""
    return Path(os.path.realpath(path))


def _rooms(
    folder: Path, within: Path | None = None, above: frozenset[Path] = frozenset()
) -> Iterator[Path]:
    """Give a folder and those in it that may hold runbooks; a link up or out leads nowhere."""
    here, within = real(folder), within or folder
    if here in above or not _is_in(folder, within):
        return
    yield folder
    for each in _folders(folder):
        yield from _rooms(each, within, above | {here})


def _folders(room: Path) -> Iterator[Path]:
    for each in sorted(room.iterdir()):
        if each.is_dir() and not each.name.startswith(".") and each.name not in NOT_RUNBOOKS:
            yield each


def _is_in(path: Path, folder: Path) -> bool:
    return real(path).is_relative_to(real(folder))
