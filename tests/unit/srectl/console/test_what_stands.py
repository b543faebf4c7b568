"""What a runbook has written is told, also where it was not complete, or was taken back."""

from __future__ import annotations

import datetime
import html
import json
import re
from collections.abc import Iterator

import pytest

from tests.support.console_scene import Scene, deployment
from tests.unit.srectl.console.hands import Hands

ID = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.fixture
def scene() -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as made:
        yield Scene(made, datetime.datetime.now(datetime.UTC))


@pytest.mark.parametrize(
    ("operation", "error", "told"),
    [
        ("execute", "ActionTimeout", True),
        ("undo", "RolloutFailed", True),
        ("execute", "ActionRefused", False),
        ("execute", "AccessDenied", False),
        ("plan", "ActionTimeout", False),
    ],
)
def test_what_was_written_and_not_complete_is_a_change(
    scene: Scene, operation: str, error: str, told: bool
) -> None:
    failed = scene.action(
        "restart_workload",
        operation=operation,
        status="failed",
        summary="not complete after 600 seconds",
        error=json.dumps({"name": error, "message": "not complete"}),
    )
    scene.put(ID, actions_taken=[failed])
    page = Hands(scene.account).see("/").partition('id="changes-now"')[2].partition("</section")[0]
    words = f"{operation} restart_workload: not complete after 600 seconds"
    assert (words in page) is told


@pytest.mark.parametrize(
    ("restoration", "said"),
    [
        (None, "It may have left half-changed: 1. restart_workload."),
        ("restored", "1. restart_workload. Since then: restored."),
    ],
)
def test_what_was_taken_back_since_stands_beside_what_was_told(
    scene: Scene, restoration: str | None, said: str
) -> None:
    told = "It may have left half-changed: 1. restart_workload."
    scene.put(ID, escalation_reason=told, restoration=restoration)
    for address in ("/", f"/incidents/{ID}"):
        page = Hands(scene.account).see(address)
        words = re.sub(r"<[^>]*>", "", html.unescape(page))
        assert said in words
        assert ("Since then" in words) is bool(restoration)


def test_what_is_being_taken_back_is_at_work_with_who_asked_and_since_when(scene: Scene) -> None:
    told = "It may have left half-changed: 1. restart_workload."
    asked = {"undo_asked_by": "ada", "undo_asked_at": scene.ago(minutes=1), "undo_attempt": 1}
    scene.put(ID, escalation_reason=told, **asked)
    states = scene.account.states
    execution = states.start_execution(
        stateMachineArn=scene.account.restorer_arn, name=f"{ID}-undo-1"
    )["executionArn"]
    for address in ("/", f"/incidents/{ID}"):
        page = re.sub(r"<[^>]*>", "", html.unescape(Hands(scene.account).see(address)))
        words = " ".join(page.split())
        assert re.search(rf"{told} Since then: being taken back, as ada asked \d[^.]* ago\.", words)
    work = words_of_work(scene)
    assert re.search(r"At work 1 .*what was done is being taken back, as ada asked \d", work)
    states.stop_execution(executionArn=execution)
    assert "being taken back" not in Hands(scene.account).see("/")
    assert "No runbook is at work." in words_of_work(scene)


def words_of_work(scene: Scene) -> str:
    page = Hands(scene.account).see("/").partition('id="work"')[2].partition("</section")[0]
    return " ".join(re.sub(r"<[^>]*>", "", html.unescape(page)).split())
