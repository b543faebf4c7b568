"""Where something of a runbook stands in its file, as a JSON pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["at"]


def at(definition: Mapping[str, Any], step: Mapping[str, Any], key: str = "") -> str:
    """Say where something of a step stands: its own key, or that of the runbook it comes from.

    Parameters
    ----------
    definition
        The runbook, in its short or long form.
    step
        One of its steps in the one shape of ``srectl.steps``.
    key
        Of the step; empty for the step itself.
    """
    if "steps" not in definition:
        return f"/{key}"
    given = definition["steps"][step["index"] - 1]
    place = f"/steps/{step['index'] - 1}"
    if not key:
        return place
    return f"{place}/{key}" if key in given or key not in definition else f"/{key}"
