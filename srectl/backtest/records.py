"""Incidents as lines of JSON: written by an export, read by a backtest without a deployment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate.incidents import CANARY, readable, shown

__all__ = ["Record", "read", "write"]

Record = dict[str, Any]

_NEEDED = ("incident_id", "timestamp")


def read(path: Path) -> list[Record]:
    """Read a file of records, oldest first; of an incident that stands there twice the last.

    Heartbeats of the platform are left out.

    Raises
    ------
    CommandFailed
        It cannot be read, or a line of it is no record; the message names the line.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(
            f"{path} could not be read: {error}", "'srectl incidents export' writes such a file"
        ) from error
    found: dict[str, Record] = {}
    # By these line ends alone: the text of an alert may have others, and other programs write those
    # as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            record = _record(path, number, line)
            found[str(record["incident_id"])] = record
    kept = [each for each in found.values() if each.get("sender_name") != CANARY]
    return sorted(kept, key=lambda each: str(each["timestamp"]))


def _record(path: Path, number: int, line: str) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        fault: str = str(error)
    else:
        missing = (
            [each for each in _NEEDED if not isinstance(record.get(each), str)]
            if isinstance(record, dict)
            else [*_NEEDED]
        )
        if not missing:
            return readable(record)
        fault = f"it has no {', '.join(missing)}"
    raise CommandFailed(
        f"line {number} of {path} is no record of an incident: {fault}",
        "each line is one JSON object, as 'srectl incidents export' writes it",
    )


def write(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    """Write records, each on a line, without what would let anybody answer for another.

    Returns
    -------
    int
        How many.

    Raises
    ------
    CommandFailed
        The file cannot be written.
    """
    lines = [json.dumps(shown(dict(each)), sort_keys=True) for each in records]
    try:
        # The file is its owner's alone where it is new.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{each}\n" for each in lines)
    except OSError as error:
        raise CommandFailed(
            f"the records could not be written to {path}: {error.strerror or error}",
            "name a file in a folder that is there and that you may write to",
        ) from error
    return len(lines)
