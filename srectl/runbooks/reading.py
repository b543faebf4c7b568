"""YAML files as people write them, taken only where JSON has the same.

A key written twice is a fault, not the last one's right; ``.nan``, ``.inf`` and a date of YAML
would reach neither the catalogue nor the API of a cluster. Nor does an alias: what it names is
written out there, so it counts as often as it is named.
"""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

import yaml

from srectl.runbooks.folder import real
from srectl.runbooks.wording import said_of_yaml

__all__ = ["MOST_BYTES", "NotReadable", "documents_of", "line_of", "text_of", "yaml_of"]

#: Of one file. An entry of the catalogue's table has 400 KB at most.
MOST_BYTES = 1024 * 1024


class NotReadable(Exception):
    """A file cannot be read as YAML; the message says where and why."""


_TAG = "tag:yaml.org,2002:"
# What JSON has, too: all that the catalogue, the API of Kubernetes and a test can carry.
_SHAPES = frozenset(
    _TAG + each for each in ("str", "int", "float", "bool", "null", "map", "seq", "merge")
)


class _JsonLoader(yaml.SafeLoader):
    """The safe loader for what JSON has: keys once and as texts, finite numbers, times as texts."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._written_out = 0  # of all documents so far

    def construct_document(self, node: yaml.Node) -> Any:
        size, is_aliased = _written_out(node)
        self._written_out += size
        if is_aliased and self._written_out > MOST_BYTES:
            raise NotReadable(
                f"its aliases (*name), written out, are larger than {MOST_BYTES // 1024} KiB: "
                f"no runbook and no test is"
            )
        return super().construct_document(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        line = node.start_mark.line + 1
        if node.tag not in _SHAPES:
            name = node.tag.replace(_TAG, "!!")
            raise NotReadable(f"line {line}: {name} is nothing that JSON has: write a text")
        try:
            value = super().construct_object(node, deep)
        except ValueError as error:  # "!!int x", or ten thousand digits
            kind = node.tag.replace(_TAG, "")
            raise NotReadable(
                f"line {line}: {_short(node)} is no {kind} that can be read"
            ) from error
        if isinstance(value, float) and not math.isfinite(value):
            raise NotReadable(
                f"line {line}: {_short(node)} is no number to compare or to count with: "
                f"write a finite one"
            )
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == f"{_TAG}merge":
                continue
            line = key_node.start_mark.line + 1
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool):
                raise NotReadable(f"line {line}: a key must be a text, not {key!r}")
            # As JSON, and so kubectl, has it: `8080: x` and `on: x` have a text for a key, too.
            text = key if isinstance(key, str) else json.dumps(key)
            if text in seen:
                raise NotReadable(
                    f"line {line}: {text} stands here a second time (line {seen[text]})"
                )
            seen[text] = line
        found = super().construct_mapping(node, deep)
        return {key if isinstance(key, str) else json.dumps(key): found[key] for key in found}


def _written_out(root: yaml.Node) -> tuple[int, bool]:
    """Give how many characters a document has at least without aliases, and whether it has any.

    Each node is looked at once. One that stands inside of itself adds nothing there.
    """
    sizes: dict[int, int] = {}
    is_aliased = False

    def size(node: yaml.Node) -> int:
        nonlocal is_aliased
        if id(node) in sizes:
            is_aliased = True
            return sizes[id(node)]
        sizes[id(node)] = 0
        if isinstance(node, yaml.MappingNode):
            found = sum(size(key) + size(value) for key, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            found = sum(map(size, node.value))
        else:
            found = len(node.value)
        sizes[id(node)] = found + 1
        return sizes[id(node)]

    return size(root), is_aliased


def _short(node: yaml.Node) -> str:
    text = str(node.value)
    return text if len(text) <= 40 else f"{text[:40]}…"


# A manifest's times are texts for the API, too.
_JsonLoader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def yaml_of(path: Path, folder: Path) -> Any:
    """Read a YAML file of one document; None for an empty one.

    Raises
    ------
    NotReadable
        It is no text, no YAML, of several documents, or a mapping in it has a key twice; or no
        file of that folder (see ``documents_of``).
    """
    documents = documents_of(path, folder)
    if len(documents) > 1:
        raise NotReadable("holds several documents ('---'), where one is wanted")
    return documents[0] if documents else None


def documents_of(path: Path, folder: Path | None = None) -> list[Any]:
    """Read the documents of a YAML file.

    Parameters
    ----------
    folder
        Where the file was found by walking it: nothing outside of it is read, whatever a link says.

    Raises
    ------
    NotReadable
        It is no text, no YAML, holds what JSON has not, or a mapping in it has a key twice; it is
        no file, larger than ``MOST_BYTES``, also with its aliases written out, or leads out of the
        folder. The message names the line.
    """
    try:
        if folder and not real(path).is_relative_to(real(folder)):
            raise NotReadable(f"leads to {real(path)}, out of {folder}: put the file itself there")
        documents = list(yaml.load_all(text_of(path), _JsonLoader))
        json.dumps(documents)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NotReadable(f"not readable as YAML: {said_of_yaml(error)}") from error
    except RecursionError as error:
        raise NotReadable("not readable as YAML: nested too deep") from error
    except ValueError as error:  # of json.dumps: all else that it could not take is refused above
        raise NotReadable(
            "an alias (*name) stands inside of what it names: write it out"
        ) from error
    except OSError as error:
        raise NotReadable(f"cannot be read: {error.strerror}") from error
    return documents


def text_of(path: Path) -> str:
    """Read a file to its end; a pipe or a device may have none, and is not waited for.

    Raises
    ------
    NotReadable
        It is no file, or larger than ``MOST_BYTES``.
    OSError, UnicodeDecodeError
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise NotReadable("is no file, but a folder, a pipe or a device: nothing is read of it")
        read = file.read(MOST_BYTES + 1)
    if len(read) > MOST_BYTES:
        raise NotReadable(f"is larger than {MOST_BYTES // 1024} KiB: no runbook and no test is")
    return read.decode("utf-8")


def line_of(path: Path, pointer: str) -> int:
    """Give the line of a file on which a JSON pointer's place begins, or what is nearest to it.

    Parameters
    ----------
    path
        A file that `yaml_of` has read.
    pointer
        Such as ``/steps/0/action``.
    """
    node = yaml.compose(text_of(path), _JsonLoader)
    line = 1 if node is None else node.start_mark.line + 1
    for part in filter(None, pointer.split("/")):
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if str(key.value) == part]
            if not pairs:
                return line
            place, node = pairs[0]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            place = node = node.value[int(part)]
        else:
            return line
        line = place.start_mark.line + 1
    return line
