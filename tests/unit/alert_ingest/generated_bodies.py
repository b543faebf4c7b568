"""Hypothesis strategies for webhook bodies: made from the schemas, and mutations of the samples."""

from __future__ import annotations

import copy
import re
from typing import Any

from hypothesis import strategies as st

from alert_ingest.validation import sources
from tests.unit.alert_ingest.bodies import EVENTS, sample

# Every code point, lone surrogates too: JSON can carry them.
texts = st.text(st.characters(codec=None), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)

SENDERS = ("alertmanager", "datadog", "grafana")
SAMPLES = [
    f"{sender}/{path.stem}"
    for sender in SENDERS
    for path in sorted((EVENTS / sender).glob("*.json"))
    if not path.name.startswith("api-")
]


def from_schema(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that fit a schema of the kind that ``schemas/`` holds.

    Parameters
    ----------
    schema
        The schema, or a part of one.
    root
        The document that references point into.
    """
    if "$ref" in schema:
        return from_schema(root["definitions"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", "object" if "properties" in schema else [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not kinds:
        return json_values
    return st.one_of([_of_kind(kind, schema, root) for kind in kinds])


def _of_kind(kind: str, schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "array":
            return st.lists(json_values, min_size=schema.get("minItems", 0), max_size=3)
        case "string" if "pattern" in schema:
            pattern = schema["pattern"].removesuffix(r"(?!\n)")
            return st.from_regex(re.compile(pattern)).filter(
                lambda text: len(text) <= schema.get("maxLength", 999) and text[-1:] != "\n"
            )
        case "string":
            limits = {"min_size": schema.get("minLength", 0), "max_size": 20}
            return st.text(st.characters(codec=None), **limits)
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    others = from_schema(schema.get("additionalProperties", {}), root)
    named = st.fixed_dictionaries(
        {name: from_schema(properties[name], root) for name in required},
        optional={
            name: from_schema(part, root)
            for name, part in properties.items()
            if name not in required
        },
    )
    return st.tuples(st.dictionaries(texts, others, max_size=2), named).map(
        lambda pair: {**{k: v for k, v in pair[0].items() if k not in properties}, **pair[1]}
    )


def bodies_of(sender: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies that the sender's schema accepts; alerts inside are mostly acceptable too."""
    root = sources.schema(sender)
    bodies: st.SearchStrategy[dict[str, Any]] = from_schema(root, root)
    if "alert" not in root.get("definitions", {}):
        return bodies
    alert = from_schema(root["definitions"]["alert"], root)
    alerts = st.lists(alert | alert | json_values, min_size=1, max_size=3)
    return st.tuples(bodies, alerts).map(lambda pair: {**pair[0], "alerts": pair[1]})


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """Take a sample and break it in up to four places."""
    body = copy.deepcopy(sample(draw(st.sampled_from(SAMPLES))))
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(body))
        if not places:
            break
        parent, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.sampled_from(["drop", "replace", "empty", "twice", "rename"])):
            case "drop":
                del parent[key]
            case "empty":
                parent[key] = type(parent[key])() if parent[key] is not None else {}
            case "twice" if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[key]))
            case "rename" if isinstance(parent, dict):
                parent[draw(texts)] = parent.pop(key)
            case _:
                parent[key] = draw(json_values)
    return body


def _places(value: Any) -> Any:
    """Yield every container and key inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
