"""``srectl local up`` ends with commands that can be typed where it was invoked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from onemachine.commands.up import invoked


@pytest.mark.parametrize(
    ("program", "on_path", "typed"),
    [
        (".venv/bin/srectl", None, ".venv/bin/srectl"),
        ("/home/ada/sre/.venv/bin/srectl", None, ".venv/bin/srectl"),
        ("/opt/sre/bin/srectl", None, "/opt/sre/bin/srectl"),
        ("/home/ada/sre/.venv/bin/srectl", "/usr/bin/srectl", "srectl"),
        ("-m", None, "srectl"),
    ],
)
def test_what_one_types_is_what_the_shell_finds(
    monkeypatch: pytest.MonkeyPatch, program: str, on_path: str | None, typed: str
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: on_path)
    assert invoked(program, Path("/home/ada/sre")) == typed
