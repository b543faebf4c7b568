"""What is known of a stack can be read by every command, and by its owner only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onemachine.stack.progress import ProgressWriter, follow, size_of
from onemachine.stack.state import (
    NameInvalid,
    ProcessRecord,
    StackFolder,
    StackState,
    StateUnreadable,
    known_stacks,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackFolder:
    monkeypatch.setenv("SRECTL_STATE_DIR", str(tmp_path))
    return StackFolder.named("a-stack")


def test_what_is_written_is_read(folder: StackFolder) -> None:
    state = StackState(
        "a-stack",
        phase="ready",
        supervisor=ProcessRecord(1, 2, "supervisor.log"),
        processes={"etcd": ProcessRecord(3, 4, "etcd.log", exit_code=-9)},
        endpoints={"webhook_url": "http://127.0.0.1:1/webhook"},
    )
    state.write(folder)
    assert StackState.read(folder) == state
    assert folder.state_file.stat().st_mode & 0o077 == 0
    assert known_stacks() == ["a-stack"]


def test_a_stack_that_never_ran_has_no_state(folder: StackFolder) -> None:
    assert StackState.read(folder) is None
    assert not folder.is_supervised()


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"format": 1, "name": "a-stack"})])
def test_a_state_that_cannot_be_read_says_what_to_do(folder: StackFolder, text: str) -> None:
    folder.path.mkdir()
    folder.state_file.write_text(text)
    with pytest.raises(StateUnreadable, match="cannot be read") as caught:
        StackState.read(folder)
    assert "delete the folder" in caught.value.hint


def test_a_state_of_another_version_is_not_guessed_at(folder: StackFolder) -> None:
    StackState("a-stack").write(folder)
    document = json.loads(folder.state_file.read_text())
    folder.state_file.write_text(json.dumps({**document, "format": 99}))
    with pytest.raises(StateUnreadable, match="another version"):
        StackState.read(folder)


@pytest.mark.parametrize("name", ["", "../etc", "A", "a b", "-a", "a" * 40, "a/b"])
def test_a_name_that_is_no_folders_name_is_refused(name: str) -> None:
    with pytest.raises(NameInvalid, match="lower-case"):
        StackFolder.named(name)


def test_the_lock_tells_whether_a_supervisor_lives(folder: StackFolder) -> None:
    with folder.supervising() as ours:
        assert ours
        assert folder.is_supervised()
        with folder.supervising() as theirs:
            assert not theirs
    assert not folder.is_supervised()


def test_events_are_read_once_and_in_order_until_the_writer_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    writer = ProgressWriter(path)
    writer.write("started", "aws", "of an earlier run")
    position = size_of(path)
    writer = ProgressWriter(path)
    writer.write("started", "aws", "first")
    living = iter([True, True, False])
    events = []
    for event in follow(path, lambda: next(living), position):
        events.append(event)
        if event.text == "first":
            writer.write("finished", "aws", "second", 1.5)
    assert [event.text for event in events] == ["first", "second"]
    assert events[1].seconds == 1.5


def test_half_a_line_is_left_for_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    ProgressWriter(path).write("note", "", "whole")
    with path.open("a") as file:
        file.write('{"at": 1, "kind": "no')
    assert [event.text for event in follow(path, lambda: False)] == ["whole"]


def test_a_file_that_was_begun_anew_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_text("x" * (300 * 1024))
    ProgressWriter(path).write("note", "", "new")
    assert [event.text for event in follow(path, lambda: False, 300 * 1024)] == ["new"]
