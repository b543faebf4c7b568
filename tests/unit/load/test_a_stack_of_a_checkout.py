"""What ``make bench`` and ``make cost`` start they stop, however the start ends, and say why."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.load.platform_bench.stack import Checkout, StackUnusable, running


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout that is set up."""
    command = tmp_path / ".venv" / "bin" / "srectl"
    command.parent.mkdir(parents=True)
    command.touch()
    return Checkout(tmp_path)


def test_a_start_that_takes_too_long_is_told_in_words_and_leaves_no_stack(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed: list[str] = []

    def run(words: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        typed.append(words[1])
        if words[1] == "up":
            raise subprocess.TimeoutExpired(words, 900)
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(StackUnusable, match=r"'srectl up .* busy"), running(checkout, "slow"):
        pass
    assert typed == ["up", "down"]
