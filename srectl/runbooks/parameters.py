"""Whether the parameters of a step are those that its action takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Field", "parameter_faults"]


class Field(Protocol):
    """A parameter that an action takes."""

    @property
    def required(self) -> bool:
        """Whether leaving it out is an error."""

    def parse(self, value: object, path: str) -> Any:
        """Check a value; raises an error that says what is wrong."""


def parameter_faults(
    step: Mapping[str, Any], fields: Mapping[str, Field], either: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Find what is wrong with the parameters of a step.

    Parameters
    ----------
    step
        In the one shape of ``srectl.steps``.
    fields, either
        Of its action: what it takes, and of which parameters it wants exactly one.

    Yields
    ------
    tuple
        Name of a parameter, empty for all of them, and what is wrong.
    """
    action, given = step["action"], step["parameters"]
    for name, value in given.items():
        if name not in fields:
            known = ", ".join(sorted(fields)) or "none"
            yield name, f"{action} takes no such parameter (known: {known})"
        elif fault := _fault(value, fields[name]):
            yield name, fault
    for name, field in fields.items():
        if field.required and name not in given:
            yield "", f"{action} needs the parameter {name}"
    if either and len(found := [name for name in either if name in given]) != 1:
        said = f"not {' and '.join(found)}" if found else "and has none of them"
        yield "", f"{action} needs exactly one of {' and '.join(either)}, {said}"


def _fault(given: object, field: Field) -> str:
    if not isinstance(given, Mapping) or "from_label" not in given:
        return _refused(given, field)
    if "one_of" in given:
        return next((fault for word in given["one_of"] if (fault := _refused(word, field))), "")
    lowest, highest = given["minimum"], given["maximum"]
    if lowest > highest:
        return "minimum is above maximum: no label fits"
    if fault := _refused(lowest, field) or _refused(highest, field):
        return fault
    if given["type"] == "integer":
        if math.ceil(lowest) > math.floor(highest):
            return f"no whole number is from {lowest} to {highest}: say 'type: number'"
    elif lowest < highest and _refused(math.floor(lowest) + 0.5, field):
        return "only a whole number is taken, so any other label would fail: say 'type: integer'"
    return ""


def _refused(value: object, field: Field) -> str:
    # Who has an action has its code.
    from runbook_action.errors import RunbookActionError

    try:
        field.parse(value, "it")
    except RunbookActionError as error:
        return str(error)
    return ""
