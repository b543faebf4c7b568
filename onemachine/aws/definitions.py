"""Reading a state machine's definition as CloudFormation does.

What ``DefinitionSubstitutions`` gives is put in *before* the text is parsed, again and again until
nothing is left to put in; the text may be JSON or YAML. CloudFormation's YAML reader knows neither
anchors nor aliases nor merge keys, and of all plain words only ``true``, ``false`` and ``null`` are
anything else than text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from srectl.quick_yaml import SafeLoader

__all__ = ["DefinitionRefused", "read_definition", "substituted"]


class DefinitionRefused(ValueError):
    """CloudFormation would refuse this definition."""


class _Loader(SafeLoader):  # type: ignore[misc] # one of two, and either does
    """Reads what the reader of CloudFormation reads, as it reads it."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


def substituted(text: str, values: Mapping[str, object]) -> str:
    """Put the values of ``DefinitionSubstitutions`` in.

    Parameters
    ----------
    text
        The definition; ``${Name}`` stands for a value.
    values
        Name → value, which may itself name others.

    Raises
    ------
    DefinitionRefused
        Values name each other in a circle.
    """
    for _round in range(len(values) + 1):
        before = text
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", str(value))
        if text == before:
            return text
    raise DefinitionRefused("DefinitionSubstitutions name each other in a circle")


def read_definition(text: str, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Read a definition from the text of its file.

    Parameters
    ----------
    text
        Amazon States Language, in JSON or in YAML.
    values
        ``DefinitionSubstitutions``.

    Raises
    ------
    DefinitionRefused
        It is neither, or has an anchor or an alias; the message says where.
    """
    text = substituted(text, values or {})
    try:
        read = json.loads(text)
    except ValueError:
        try:
            _refuse_anchors(text)
            read = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader that knows less
        except yaml.YAMLError as error:
            raise DefinitionRefused(f"Invalid State Machine Definition: {error}") from error
    if not isinstance(read, dict):
        raise DefinitionRefused("Invalid State Machine Definition: it is not an object")
    return read


def _refuse_anchors(text: str) -> None:
    """Refuse what would be read as a mere word, so that its place stays empty."""
    event: Any
    for event in yaml.parse(text, _Loader):
        if getattr(event, "anchor", None) is not None:
            kind = "alias" if isinstance(event, yaml.AliasEvent) else "anchor"
            raise DefinitionRefused(
                f"SCHEMA_VALIDATION_FAILED: {kind} '{event.anchor}' in line "
                f"{event.start_mark.line + 1}: a definition may have neither anchors nor aliases; "
                "hand in what is used twice by DefinitionSubstitutions"
            )
