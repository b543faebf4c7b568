"""The senders' schemas as files, and the parts of them that become validators of their own.

Every `schemas/<sender>.json` gives the validator `<sender>`; each of its `definitions` gives
`<sender>.<definition>`. They are written in draft 7 because fastjsonschema compiles no later one.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent.parent / "schemas"


@cache
def schema(name: str) -> dict[str, Any]:
    """Return the schema behind a validator's name.

    Raises
    ------
    FileNotFoundError, KeyError
        No such schema file, or no such definition in it.
    """
    sender, _, definition = name.partition(".")
    document: dict[str, Any] = json.loads((SCHEMAS / f"{sender}.json").read_text("utf-8"))
    if not definition:
        return document
    return {
        "$schema": document["$schema"],
        "definitions": document["definitions"],
        **document["definitions"][definition],
    }


def names() -> list[str]:
    """List every validator the schema files define."""
    found: list[str] = []
    for path in sorted(SCHEMAS.glob("*.json")):
        definitions = json.loads(path.read_text("utf-8")).get("definitions", {})
        found += [path.stem, *(f"{path.stem}.{definition}" for definition in sorted(definitions))]
    return found
