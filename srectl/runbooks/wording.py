"""What a schema's validator or a YAML parser finds, in words for whoever wrote the file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jsonschema
import yaml

__all__ = ["nearest", "said_of_schema", "said_of_yaml"]

_KINDS = {
    "object": "a mapping (key: value)",
    "array": "a list ([a, b])",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_LENGTH = re.compile(r"(\d+) ?(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_HINTS = (
    ("'\\t'", "use spaces, not tabs"),
    ("mapping values are not allowed here", "a text with ': ' in it needs quotes"),
    ("expected alphabetic or numeric character", "a text that begins with * or & needs quotes"),
    ("that cannot start any token", "a text that begins with this sign needs quotes"),
    ("found undefined alias", "a text that begins with * needs quotes"),
    ("could not find expected ':'", "a key is followed by ': '"),
)


def nearest(name: object, known: Iterable[str]) -> str:
    """Give the known name that was probably meant, as a question; else all of them.

    Examples
    --------
    >>> nearest("severity", ["severities", "name"])
    'did you mean severities?'
    >>> nearest("x", ["severities", "name"])
    'there is name, severities'
    """
    names = sorted(map(str, known))
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6) or [
        each for each in names if each.startswith(f"{name}_")
    ]
    return f"did you mean {near[0]}?" if near else f"there is {', '.join(names)}"


def said_of_yaml(error: Exception) -> str:
    """Say in one line what a parser says over several, and what is probably to be written."""
    problem = getattr(error, "problem", None)
    mark = getattr(error, "problem_mark", None)
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is no UTF-8: save the file as UTF-8"
    text = str(problem) if mark is not None and problem else " ".join(str(error).split())
    hint = next((f": {hint}" for sign, hint in _HINTS if sign in text), "")
    if isinstance(error, yaml.MarkedYAMLError) and mark is not None and problem:
        return f"line {mark.line + 1}: {text}{hint}"
    return text + hint


def said_of_schema(error: jsonschema.ValidationError) -> str:
    """Say what is wrong and what to write; the schema's own ``errorMessage`` goes first."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    own = schema.get("errorMessage")
    if own:
        return str(own)
    say = _WORDS.get(str(error.validator))
    return (say(error, schema) if say else "") or str(error.message)


def _required(error: Any, _schema: Mapping[str, Any]) -> str:
    # The validator finds one after the other, each with a message of its own.
    lacks = [each for each in error.validator_value if error.message.startswith(f"'{each}' ")]
    return f"{lacks[0]} is missing" if lacks else ""


def _unknown(error: Any, schema: Mapping[str, Any]) -> str:
    known = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    extra = [
        name
        for name in error.instance
        if name not in known and not any(re.search(each, name) for each in patterns)
    ]
    left = [name for name in known if name not in error.instance]
    return "; ".join(f"{name} has no meaning here: {nearest(name, left)}" for name in extra)


def _enum(error: Any, _schema: Mapping[str, Any]) -> str:
    if not all(isinstance(each, str) for each in error.validator_value):
        return ""
    return f"{_shown(error.instance)} is none that is known: " + nearest(
        error.instance, error.validator_value
    )


def _type(error: Any, _schema: Mapping[str, Any]) -> str:
    wanted = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    has_to = " or ".join(_KINDS[each] for each in kinds)
    name = str(error.absolute_path[-1]) if error.absolute_path else ""
    return f"has to be {has_to}, not {_shown(error.instance)}" + _meant(kinds, name, error.instance)


def _meant(kinds: list[str], name: str, value: object) -> str:
    if "array" in kinds and isinstance(value, str):
        return f": write [{value}]"
    if isinstance(value, Mapping) and "from_label" in value:
        return ": a label may not set this, it is always what the runbook says"
    length = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    if length and "integer" in kinds and name.endswith("_seconds"):
        return f": write {int(length[1]) * _SECONDS[length[2]]}, in seconds"
    if isinstance(value, str) and value.strip("-").isdigit() and "integer" in kinds:
        return ": write it without quotes"
    if isinstance(value, bool | int | float) and kinds == ["string"]:
        return ": put it in quotes"
    return ""


def _few(error: Any, schema: Mapping[str, Any]) -> str:
    left = [each for each in schema.get("properties", {}) if each not in error.instance]
    if not left:
        return ""
    return f"says nothing yet: add one of {', '.join(left)}"


def _length(unit: str, bound: str) -> Callable[[Any, Mapping[str, Any]], str]:
    def say(error: Any, _schema: Mapping[str, Any]) -> str:
        return f"has {len(error.instance)} {unit}, and {bound} {error.validator_value} are wanted"

    return say


def _bound(words: str) -> Callable[[Any, Mapping[str, Any]], str]:
    def say(error: Any, _schema: Mapping[str, Any]) -> str:
        return f"{error.instance} is {words} {error.validator_value}"

    return say


def _shown(value: object) -> str:
    """A value as YAML has it, not as Python has."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping | list):
        return _KINDS["object" if isinstance(value, Mapping) else "array"]
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f"'{value}'"
    return text if len(text) <= 60 else f"{text[:60]}…"


_WORDS: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "required": _required,
    "additionalProperties": _unknown,
    "enum": _enum,
    "type": _type,
    "minProperties": _few,
    "minItems": _length("entries", "at least"),
    "maxItems": _length("entries", "at most"),
    "minLength": _length("characters", "at least"),
    "maxLength": _length("characters", "at most"),
    "minimum": _bound("below"),
    "maximum": _bound("above"),
}
