"""The template as it is deployed: what CloudFormation is given in the end.

``sam deploy`` resolves YAML's anchors and merges, and puts the files in that the template includes
(``AWS::Include``). Tests ask for the outcome here, so that they do not depend on how it is written.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
_INCLUDE = "AWS::Include"


class _Loader(yaml.CSafeLoader):
    """Reads a template; CloudFormation's short functions (``!Ref``) become the long ones."""


def _long_form(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    key = name if name in {"Ref", "Condition"} else f"Fn::{name}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {key: value.split(".", 1) if name == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {key: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {key: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _long_form)


def read(path: Path = TEMPLATE) -> dict[str, Any]:
    """Return a template as SAM CLI reads it, includes not yet put in."""
    loaded: dict[str, Any] = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506
    return loaded


def deployed() -> dict[str, Any]:
    """Return template.yaml as it is deployed; the caller's own copy."""
    return copy.deepcopy(_deployed())


@cache
def _deployed() -> dict[str, Any]:
    with_includes: dict[str, Any] = _included(read())
    return with_includes


def _included(node: Any) -> Any:
    if isinstance(node, list):
        return [_included(each) for each in node]
    if not isinstance(node, dict):
        return node
    rest = {key: _included(each) for key, each in node.items()}
    transform = rest.pop("Fn::Transform", {"Name": ""})
    if transform["Name"] == _INCLUDE:
        # What AWS includes may not include anything itself, and has no short functions.
        location = TEMPLATE.parent / transform["Parameters"]["Location"]
        return rest | yaml.safe_load(location.read_text("utf-8"))
    return rest | ({"Fn::Transform": transform} if transform["Name"] else {})


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type, by logical id.

    Parameters
    ----------
    template : mapping
        As :func:`deployed` returns it.
    kind : str
        Such as ``AWS::SQS::Queue``.
    """
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def listed(value: Any) -> list[Any]:
    """Return what IAM takes alone or as a list, as a list."""
    return value if isinstance(value, list) else [value]


def identity_statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each statement of a policy that a role has, with the logical id of what it stands in.

    Parameters
    ----------
    template : mapping
        As :func:`deployed` returns it.
    """
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        documents = []
        if resource["Type"] == "AWS::IAM::Role":
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        elif resource["Type"] == "AWS::IAM::Policy":
            documents = [properties["PolicyDocument"]]
        for document in documents:
            for statement in listed(document["Statement"]):
                yield name, statement
