"""The pages as files."""

from __future__ import annotations

import datetime
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from srectl.cli import cli
from srectl.operate.account import Account
from tests.support.console_scene import Scene, deployment, hostile


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as made:
        scene = Scene(made, datetime.datetime.now(datetime.UTC))
        scene.night()
        hostile(scene)
        yield made


def exported(folder: Path) -> tuple[int, str]:
    answer = CliRunner(env={"SRECTL_PREFIX": "t-"}).invoke(cli, ["console", "export", str(folder)])
    return answer.exit_code, str(answer.output) + str(answer.exception or "")


def test_every_page_is_a_file_and_leads_to_files_only(account: Account, tmp_path: Path) -> None:
    folder = tmp_path / "night"
    code, said = exported(folder)
    assert code == 0, said
    files = {each.name for each in folder.iterdir()}
    assert "index.html" in files
    assert any("11111111-0000-4000-8000-000000000001" in each for each in files)
    led_to = set()
    for each in folder.glob("*.html"):
        text = each.read_text("utf-8")
        assert "<form" not in text
        assert "<script" not in text.replace("&lt;script", "")
        for target in re.findall(r'(?:href|src)="([^"]*)"', text):
            if not target.startswith(("https://", "#")):
                led_to.add(target)
    assert led_to <= files
    assert "secret-token" not in "".join(each.read_text("utf-8") for each in folder.iterdir())


def test_only_its_owner_may_read_it(account: Account, tmp_path: Path) -> None:
    folder = tmp_path / "night"
    assert exported(folder)[0] == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}


def test_nothing_is_written_over(account: Account, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    code, said = exported(tmp_path)
    assert code == 1
    assert "is not empty" in said
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_a_full_disk_is_told(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    code, said = exported(tmp_path / "night")
    assert code == 1
    assert "No space left on device" in said
    assert "not whole" in said
