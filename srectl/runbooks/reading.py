"""YAML files as people write them: a key written twice is a fault, not the last one's right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["NotReadable", "documents_of", "yaml_of"]


class NotReadable(Exception):
    """A file cannot be read as YAML; the message says where and why."""


class _OnceEachLoader(yaml.SafeLoader):
    """The safe loader, for which a mapping has each key once and a time stays a text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str | int | float | bool | None):
                raise NotReadable(f"line {line}: a key must be a text, not {key!r}")
            if key in seen:
                raise NotReadable(
                    f"line {line}: {key} stands here a second time (line {seen[key]})"
                )
            seen[key] = line
        return super().construct_mapping(node, deep)


# A manifest's times are texts for the API, too.
_OnceEachLoader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def yaml_of(path: Path) -> Any:
    """Read a YAML file of one document; None for an empty one.

    Raises
    ------
    NotReadable
        It is no text, no YAML, of several documents, or a mapping in it has a key twice.
    """
    documents = documents_of(path)
    if len(documents) > 1:
        raise NotReadable("holds several documents ('---'), where one is wanted")
    return documents[0] if documents else None


def documents_of(path: Path) -> list[Any]:
    """Read the documents of a YAML file.

    Raises
    ------
    NotReadable
        It is no text, no YAML, or a mapping in it has a key twice.
    """
    try:
        return list(yaml.load_all(path.read_text("utf-8"), _OnceEachLoader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise NotReadable(f"not readable as YAML: {error}") from error
    except OSError as error:
        raise NotReadable(f"cannot be read: {error.strerror}") from error
