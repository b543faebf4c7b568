"""A question waits until it is answered: by its note, or by what its runbook has begun since."""

from __future__ import annotations

from typing import Any

import pytest

from chat_actions.question import pending
from chat_actions.unanswered import unanswered
from srectl.console import story
from srectl.operate import aftermath, naming

ME, ASKED, LATER = "arn:mine", "2026-11-23T15:16:00.000Z", "2026-11-23T15:17:00.000Z"
APPROVAL = {"token": "t", "requested_at": ASKED, "execution": ME, "step": 1}
RECORD: dict[str, Any] = {
    "incident_id": "0f3c0c0e",
    "status": "remediating",
    "runbook_execution": ME,
    "in_hand": {"runbook": "R", "steps": [{"index": 1}, {"index": 2}]},
    "approval": APPROVAL,
}
BEFORE = {each: APPROVAL[each] for each in ("token", "requested_at", "step")}


@pytest.mark.parametrize(
    ("more", "waits"),
    [
        ({}, True),
        ({"approval": BEFORE}, True),
        ({"approval": {**APPROVAL, "answer": "approved"}}, False),
        ({"begun": ME, "begun_at": LATER, "begun_step": 1}, False),
        ({"begun": ME, "begun_at": ASKED, "begun_step": 1}, False),
        # Its plan had changed, so it asks once more; or another runbook had begun, before this one.
        ({"begun": ME, "begun_at": "2026-11-23T15:15:00.000Z", "begun_step": 1}, True),
        ({"begun": "arn:earlier", "begun_at": LATER, "begun_step": 1}, True),
        ({"approval": {**APPROVAL, "execution": "arn:earlier"}}, False),
        ({"approval": "odd"}, False),
        ({"approval": None}, False),
    ],
    ids=[
        "asked",
        "asked by a version before",
        "answered",
        "begun since",
        "begun at that moment",
        "asked once more",
        "another one had begun",
        "a question of another one",
        "no question",
        "none",
    ],
)
def test_it_waits_for_every_reader_or_for_none(more: dict[str, Any], waits: bool) -> None:
    record = {**RECORD, **more}
    assert bool(unanswered(record)) is waits
    assert naming.asks(record) is waits
    assert story.is_asked(record) is waits
    assert bool(pending(record)) is waits
    stopped = {**record, "status": "escalated", "abandoned": ME}
    assert aftermath.untouched(stopped) == ("it only waited for an answer" if waits else "")
    said = aftermath.standing_of(stopped, {"index": 1})
    assert (said == "waited for an answer") is waits


def test_what_it_noted_as_begun_is_said_of_that_step_alone() -> None:
    record = {**RECORD, "begun": ME, "begun_at": LATER, "begun_step": 1}
    assert aftermath.standing_of(record, {"index": 1}) == "begun, its end is not on record"
    assert aftermath.standing_of(record, {"index": 2}) == "not on record as begun"
    others = {**record, "begun": "arn:earlier", "approval": None}
    assert aftermath.standing_of(others, {"index": 1}) == "not on record as begun"
