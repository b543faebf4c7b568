"""What senders write where they have nothing to say.

A field may be left out, null, an empty text, or what a template makes of nothing. All of them mean
the same: Prometheus, too, takes a label without a value for no label.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

# "null" and "<no value>" are what templates print; as names of objects nobody uses them.
_NOTHING = ("", "null", "<no value>")


def is_absent(value: object) -> bool:
    """Tell whether a value says nothing."""
    return value is None or (type(value) is str and value in _NOTHING)


def present(fields: Mapping[str, Any], kept: Container[str] = ()) -> dict[str, Any]:
    """Return the fields that say something.

    Parameters
    ----------
    fields
        An object of a body.
    kept
        Fields that stay as they are, because without them the object is refused by name.
    """
    return {
        name: value
        for name, value in fields.items()
        if name in kept or not (value is None or (type(value) is str and value in _NOTHING))
    }
