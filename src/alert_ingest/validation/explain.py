"""Says everything that is wrong with a value, each with its JSON pointer (RFC 6901).

The messages are written here instead of taken from jsonschema because its own quote the offending
value, which would carry alert text, and now and then a secret, into answers and logs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from alert_ingest.model import Problem
from alert_ingest.redaction import redact_text
from alert_ingest.validation import sources

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_JSON_TYPES = (
    (bool, "boolean"),
    (str, "string"),
    (int, "integer"),
    (float, "number"),
    (list, "array"),
    (dict, "object"),
)
_SHOWN_KEY = 64


def explain(name: str, value: object, prefix: str = "") -> tuple[Problem, ...]:
    """List every violation of a schema.

    Parameters
    ----------
    name
        Validator name, as in `alert_ingest.validation.validator`.
    value
        The decoded JSON value that did not fit.
    prefix
        JSON pointer of `value` inside the body.
    """
    # Only a rejection pays for this import (67 ms with byte code).
    from jsonschema import Draft7Validator

    errors = Draft7Validator(sources.schema(name)).iter_errors(value)
    problems = {problem for error in errors for problem in _problems(error, prefix)}
    if not problems:  # the two libraries disagree; a rejection still has to say something
        problems = {Problem(prefix, f"does not fit the schema {name}")}
    return tuple(sorted(problems, key=lambda problem: (problem.pointer, problem.message)))


def pointer(prefix: str, path: Iterable[str | int]) -> str:
    """Append path segments to a JSON pointer, escaped as RFC 6901 says."""
    return prefix + "".join(
        "/" + str(part)[:_SHOWN_KEY].replace("~", "~0").replace("/", "~1") for part in path
    )


def type_name(value: object) -> str:
    """Return the JSON name of a value's type."""
    return next((name for kind, name in _JSON_TYPES if isinstance(value, kind)), "null")


def _problems(error: ValidationError, prefix: str) -> Iterable[Problem]:
    where = pointer(prefix, error.absolute_path)
    rule, wanted = str(error.validator), error.validator_value
    if rule == "required" and isinstance(error.instance, dict) and isinstance(wanted, list):
        # jsonschema reports one error per missing name but keeps the name only in its prose.
        for name in wanted:
            if name not in error.instance:
                yield Problem(pointer(where, [name]), "is required but missing")
        return
    if rule == "additionalProperties" and wanted is False and isinstance(error.instance, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        for name in error.instance.keys() - known.keys():
            said = redact_text(name) == name and name.isprintable()
            pointed = pointer(where, [name if said else "?"])
            yield Problem(pointed, f"is no field of it; there are {', '.join(known)}")
        return
    examples = error.schema.get("examples", []) if isinstance(error.schema, dict) else []
    yield Problem(where, _message(rule, wanted, error.instance, examples))


def _message(rule: str, wanted: object, instance: object, examples: list[object]) -> str:
    match rule:
        case "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            return f"must be {' or '.join(map(str, kinds))} but is {type_name(instance)}"
        case "enum":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            return f"must be one of {', '.join(map(str, kinds))}"
        case "minLength":
            return "must not be empty"
        case "maxLength":
            return f"must have at most {wanted} characters"
        case "minItems":
            return f"must have at least {wanted} item"
        case "pattern" if wanted == "\\S":
            return "must not be blank"
        case "pattern" if examples:
            return f"must look like {examples[0]}"
        case "pattern":
            return f"must match {wanted}"
        case _:
            return f"must satisfy {rule} {wanted}"
