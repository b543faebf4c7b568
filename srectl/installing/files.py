"""What steps read from the checkout: a new release changes files, and no command."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["contents"]

# What programs leave behind beside the files.
_LEFT_BEHIND = ("__pycache__", ".egg-info", ".pyc")


def contents(root: Path, names: Iterable[str]) -> Iterator[str]:
    """Give what tells whether files have changed: the name and the digest of each.

    Parameters
    ----------
    root
        The project, which relative names are of.
    names
        Files, and folders with all that is in them; one that is missing counts as such.
    """
    for name in names:
        place = root / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            inside = file.relative_to(place).parts
            if any(part.startswith(".") or part.endswith(_LEFT_BEHIND) for part in inside):
                continue
            if not file.is_dir():
                yield f"{name} {'/'.join(inside)} {_digest(file)}"


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return type(error).__name__
