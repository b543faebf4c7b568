"""Which local command stands for an image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onemachine.node.errors import ImageError, SettingsError
from onemachine.node.images import ImageSpec, ImageStore, read_image_map, resolve, write_image_map

KNOWN = {"app:1": ImageSpec(("serve",), ("--fast",), "/srv", {"A": "1"})}


@pytest.mark.parametrize(
    ("container", "command", "args"),
    [
        ({}, ("serve",), ("--fast",)),
        ({"args": ["--slow"]}, ("serve",), ("--slow",)),
        ({"command": ["sh"]}, ("sh",), ()),
        ({"command": ["sh"], "args": ["-c"]}, ("sh",), ("-c",)),
    ],
)
def test_the_pod_overrides_the_image_as_in_a_container_runtime(
    container: dict[str, Any], command: tuple[str, ...], args: tuple[str, ...]
) -> None:
    found = resolve({"image": "app:1", **container}, KNOWN)
    assert (found.command, found.args, found.workdir) == (command, args, "/srv")
    assert found.env == {"A": "1"}


def test_an_unknown_image_runs_only_with_a_command_of_its_own() -> None:
    assert resolve({"image": "x", "command": ["sh"]}, {}).command == ("sh",)
    with pytest.raises(ImageError, match="app:2"):
        resolve({"image": "app:2", "args": ["x"]}, KNOWN)


def test_the_map_survives_its_file_and_a_change_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "images.json"
    write_image_map(path, KNOWN)
    store = ImageStore(path)
    assert store.current() == KNOWN
    write_image_map(path, KNOWN | {"app:2": ImageSpec(("other",))})
    assert store.current()["app:2"] == ImageSpec(("other",))


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        '{"a": []}',
        '{"a": {"comand": []}}',
        '{"a": {"command": "serve"}}',
        '{"a": {"command": [1]}}',
        '{"a": {"env": {"X": 1}}}',
    ],
)
def test_a_map_of_another_shape_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "images.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"images\.json"):
        read_image_map(path)


def test_a_missing_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        ImageStore(tmp_path / "none.json")
    assert json.loads("{}") == ImageStore(None).current()
