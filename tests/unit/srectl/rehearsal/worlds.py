"""Rehearsals as the tests of srectl begin them."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.rehearsal.cases import Case, Stack

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def case_of(**given: Any) -> Case:
    """Give a test of a runbook that says nothing but what is given."""
    nothing: dict[str, Any] = {
        "file": "f",
        "name": "n",
        "now": NOW,
        "stack": Stack(),
        "alert": ("", 1),
        "files": [],
        "objects": [],
        "without": [],
        "parameters": {},
        "checks": {},
        "automations": [],
        "metrics": {},
        "enable": [],
        "expect": {},
    }
    return Case(**{**nothing, **given})
