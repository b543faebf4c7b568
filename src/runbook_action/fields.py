"""Types and bounds of the parameters an action takes.

Parameters come from the catalogue, partly filled from labels of an alert: each one is checked
here before any action sees it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from runbook_action.errors import InvalidRequest


class Field(Protocol):
    """One parameter: whether it must be given, and what it may be."""

    @property
    def required(self) -> bool:
        """Whether leaving it out is an error."""

    def parse(self, value: object, path: str) -> Any:
        """Check a value; ``path`` names it in the error."""


@dataclass(frozen=True)
class BooleanField:
    """``true`` or ``false``, as JSON has them."""

    required: bool = False

    def parse(self, value: object, path: str) -> bool:
        """Check a value, raising InvalidRequest."""
        if not isinstance(value, bool):
            raise InvalidRequest(f"{path} must be true or false, not {value!r}")
        return value


@dataclass(frozen=True)
class IntegerField:
    """A whole number between two bounds, both included."""

    minimum: int
    maximum: int
    required: bool = False

    def parse(self, value: object, path: str) -> int:
        """Check a value, raising InvalidRequest."""
        # Step Functions writes whole numbers of a JSONata expression as 3.0 at times.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidRequest(f"{path} must be a whole number, not {value!r}")
        if not self.minimum <= value <= self.maximum:
            raise InvalidRequest(
                f"{path} must be from {self.minimum} to {self.maximum}, not {value}"
            )
        return value


@dataclass(frozen=True)
class NumberField:
    """A finite number between two bounds, both included."""

    minimum: float
    maximum: float
    required: bool = False

    def parse(self, value: object, path: str) -> float:
        """Check a value, raising InvalidRequest."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidRequest(f"{path} must be a number, not {value!r}")
        if not (math.isfinite(value) and self.minimum <= value <= self.maximum):
            raise InvalidRequest(
                f"{path} must be from {self.minimum:g} to {self.maximum:g}, not {value}"
            )
        return float(value)


@dataclass(frozen=True)
class TextField:
    """A short text without control characters, such as the name of an object."""

    max_length: int = 253
    required: bool = False

    def parse(self, value: object, path: str) -> str:
        """Check a value, raising InvalidRequest."""
        if not isinstance(value, str) or not value.isprintable():
            raise InvalidRequest(f"{path} must be a printable text, not {value!r}")
        if not 0 < len(value) <= self.max_length:
            raise InvalidRequest(f"{path} must have 1 to {self.max_length} characters")
        return value


@dataclass(frozen=True)
class TextMapField:
    """Short texts by name, such as the inputs of a document."""

    most: int = 20
    max_length: int = 500
    required: bool = False

    def parse(self, value: object, path: str) -> dict[str, str]:
        """Check a value, raising InvalidRequest."""
        if not isinstance(value, Mapping) or len(value) > self.most:
            raise InvalidRequest(f"{path} must be an object of up to {self.most} texts")
        text = TextField(self.max_length)
        return {
            TextField(128).parse(name, f"a name in {path}"): text.parse(each, f"{path}.{name}")
            for name, each in value.items()
        }


def parse_fields(fields: Mapping[str, Field], given: object, path: str) -> dict[str, Any]:
    """Check an object of parameters against the fields an action declares.

    Parameters
    ----------
    fields
        The parameters the action knows.
    given
        What the caller sent; None counts as no parameters.
    path
        Where it stood in the request, for the error.

    Raises
    ------
    InvalidRequest
        For an unknown, missing, mistyped or out-of-bounds parameter.
    """
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise InvalidRequest(f"{path} must be an object, not {given!r}")
    for name in given:
        if name not in fields:
            known = ", ".join(sorted(fields)) or "none"
            raise InvalidRequest(
                f"{path}.{name} is not a parameter of this action (known: {known})"
            )
    values = {}
    for name, field in fields.items():
        if given.get(name) is not None:
            values[name] = field.parse(given[name], f"{path}.{name}")
        elif field.required:
            raise InvalidRequest(f"{path}.{name} is missing")
    return values
