"""Which stacks an operator's commands can talk to: those that are up, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from onemachine.stack.environments import running
from onemachine.stack.state import Phase, StackFolder, StackState
from srectl.private_files import write_private

SETTINGS = {"region": "us-east-1", "aws_access_key_id": "key"}


@pytest.fixture
def supervisors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ExitStack]:
    monkeypatch.setenv("SRECTL_STATE_DIR", str(tmp_path))
    with ExitStack() as held:
        yield held


def stack(name: str, phase: Phase = "ready", *, endpoint: bool = True) -> StackFolder:
    """Write the state of a stack, as its supervisor does."""
    folder = StackFolder.named(name)
    endpoints = {}
    if endpoint:
        endpoints["aws_endpoint_url"] = f"http://{name}"
        endpoints["aws_secret_access_key_file"] = str(folder.aws_secret_file)
        write_private(folder.aws_secret_file, "only this stack's\n")
    StackState(name, phase=phase, endpoints=endpoints, settings=SETTINGS).write(folder)
    return folder


def test_nothing_has_ever_run(supervisors: ExitStack) -> None:
    assert list(running()) == []


def test_a_stack_that_is_up_is_given_with_all_that_reaches_it(supervisors: ExitStack) -> None:
    supervisors.enter_context(stack("one").supervising())
    (found,) = running()
    assert found.what == "the stack 'one' on this machine"
    assert found.choose == "'eval \"$(srectl local env --name one)\"'"
    assert (found.region, found.endpoint_url) == ("us-east-1", "http://one")
    assert (found.access_key_id, found.secret_access_key) == ("key", "only this stack's")
    assert "only this" not in repr(found)


def test_two_are_given(supervisors: ExitStack) -> None:
    supervisors.enter_context(stack("one").supervising())
    supervisors.enter_context(stack("two", "degraded").supervising())
    assert [each.endpoint_url for each in running()] == ["http://one", "http://two"]


def test_what_is_not_up_is_left_out(supervisors: ExitStack, tmp_path: Path) -> None:
    stack("killed")  # its supervisor could not tell of it
    supervisors.enter_context(stack("starting", "starting").supervising())
    supervisors.enter_context(stack("without-aws", endpoint=False).supervising())
    secretless = stack("secretless")
    supervisors.enter_context(secretless.supervising())
    secretless.aws_secret_file.unlink()
    (tmp_path / "Not a name").mkdir()
    (tmp_path / "Not a name" / "state.json").write_text("{}")
    (tmp_path / "unreadable").mkdir()
    (tmp_path / "unreadable" / "state.json").write_text("{")
    assert list(running()) == []
