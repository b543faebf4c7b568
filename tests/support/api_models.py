"""Descriptions of AWS's APIs are read once in a process of tests, and not for each session.

Every command of ``srectl`` makes a session of its own, as it should: a process of it runs one
command. Hundreds of them run in one process here, and each read the same files of JSON again, which
took a third of their time.
"""

from __future__ import annotations

from typing import Any

from botocore import session


def share() -> None:
    """Let all sessions with the same search path have what the first of them has read."""
    stock = session.create_loader
    kept: dict[str | None, dict[Any, Any]] = {}

    def create_loader(search_path_string: str | None = None) -> Any:
        loader: Any = stock(search_path_string)
        loader._cache = kept.setdefault(search_path_string, loader._cache)
        return loader

    session.create_loader = create_loader
