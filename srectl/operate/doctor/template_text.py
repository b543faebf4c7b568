"""Reading a CloudFormation template so that two writings of the same say the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from srectl.quick_yaml import SafeLoader

__all__ = ["Unreadable", "artifacts", "digest_of", "md5", "parts", "read"]

_SECTIONS = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs")
# What 'sam build' and 'sam deploy' write anew: where an artifact lies.
_PLACES = frozenset({"CodeUri", "DefinitionS3Location", "DefinitionUri", "Location"})
_NO_PREFIX = frozenset({"Ref", "Condition"})
# 'sam deploy' names what it uploads by the MD5 of its content.
_UPLOADED = re.compile(r"([0-9a-f]{32})(\.[A-Za-z0-9.]+)?")


class Unreadable(ValueError):
    """It is no template."""


class _Loader(SafeLoader):  # type: ignore[misc] # one of two, and either does
    """YAML with the short forms of CloudFormation's functions."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast(yaml.MappingNode, node), deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in _NO_PREFIX else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def read(text: str | Mapping[str, Any]) -> dict[str, Any]:
    """Read a template, in YAML with short or long forms, or in JSON.

    Raises
    ------
    Unreadable
        It is none.
    """
    if isinstance(text, Mapping):
        return dict(text)
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with more tags
    except yaml.YAMLError as error:
        raise Unreadable(f"the template cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise Unreadable("the template is no mapping")
    return found


def parts(template: Mapping[str, Any]) -> dict[str, Any]:
    """Give each part by its section and name, but for where artifacts lie."""
    return {
        f"{section[:-1]} {name}": _plain(_without_metadata(value))
        for section in _SECTIONS
        for name, value in (template.get(section) or {}).items()
    }


def artifacts(template: Mapping[str, Any]) -> dict[str, str]:
    """Give where each resource has its file: machines, and what is included."""
    found: dict[str, str] = {}
    for name, resource in (template.get("Resources") or {}).items():
        for place in _places(resource):
            if isinstance(place, Mapping):
                place = f"{place.get('Bucket')}/{place.get('Key')}"
            found[name] = str(place)
    return {name: place for name, place in found.items() if "." in place.rpartition("/")[2]}


def digest_of(place: str) -> str:
    """Give the MD5 that the name of an upload tells; empty where it tells none."""
    found = _UPLOADED.fullmatch(place.rpartition("/")[2])
    return found[1] if found else ""


def md5(file: Path) -> str:
    """Give a file's MD5 as 'sam deploy' names uploads by it: no matter of security."""
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def _places(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        own = [each for key, each in value.items() if key in _PLACES and key != "CodeUri"]
        rest = [each for key, each in value.items() if key not in _PLACES]
        return [*own, *(place for each in rest for place in _places(each))]
    if isinstance(value, list):
        return [place for each in value for place in _places(each)]
    return []


def _without_metadata(value: Any) -> Any:
    return (
        {key: each for key, each in value.items() if key != "Metadata"}
        if isinstance(value, Mapping)
        else value
    )


def _plain(value: Any) -> Any:
    """Make scalars texts: a tool may write a number or a truth with quotes or without."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items() if key not in _PLACES}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
