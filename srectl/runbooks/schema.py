"""Whether something has the shape of a runbook, by ``runbooks/runbook.schema.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from srectl.runbooks.api_fields import FIELDS
from srectl.runbooks.wording import nearest, said_of_schema

__all__ = ["SCHEMA_FILE", "faults", "faults_of"]

# A link to the one beside the catalogue, so that an installed srectl has it: what fits it is what
# the deployed machine can read, whatever folder a runbook lies in.
SCHEMA_FILE = Path(__file__).parents[1] / "runbook.schema.json"


def faults(definition: object) -> list[str]:
    """Give what a definition breaks of the schema, a JSON pointer and a message for each fault."""
    return faults_of(definition, SCHEMA_FILE)


def faults_of(document: object, schema_file: Path) -> list[str]:
    """Give what a document breaks of a schema.

    Parameters
    ----------
    document
        What a YAML or JSON file holds.
    schema_file
        A JSON Schema; its ``errorMessage`` is said instead of what the validator says.

    Returns
    -------
    list of str
        A JSON pointer and a message for each fault, by their place.
    """
    errors = sorted(_validator(schema_file).iter_errors(document), key=lambda each: each.json_path)
    return [f"{_pointer(error)}: {said_of_schema(error)}" for error in errors]


@cache
def _validator(schema_file: Path) -> Any:
    extended = {"pattern": _pattern, "fieldsOf": _fields}
    kind = jsonschema.validators.extend(  # type: ignore[no-untyped-call]  # jsonschema's
        jsonschema.Draft202012Validator, extended
    )
    return kind(json.loads(schema_file.read_text("utf-8")))


def _pattern(
    _validator: Any, pattern: str, instance: object, _schema: object
) -> Iterator[jsonschema.ValidationError]:
    """Match as JSON Schema means it: to Python, ``$`` also stands before a last line end."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _fields(
    _validator: Any, models: list[str], instance: object, _schema: object
) -> Iterator[jsonschema.ValidationError]:
    """Refuse a field that none of these kinds of the API has: the API would refuse it, too."""
    if not isinstance(instance, dict):
        return
    known = frozenset[str]().union(*(FIELDS[model] for model in models))
    for name in instance:
        if name not in known:
            yield jsonschema.ValidationError(
                f"the API of Kubernetes has no such field here: {nearest(name, known)}",
                path=[name],
            )


def _pointer(error: jsonschema.ValidationError) -> str:
    return "/" + "/".join(str(part) for part in error.absolute_path)
