"""When a step is given up, or has helped or not, is told from the record."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from srectl.operate.step_times import decided_by

BEGAN = datetime.datetime(2026, 11, 29, 3, 17, tzinfo=datetime.UTC)
SECONDS = {"action": 600, "settle": 15, "verify": 120, "heard": 360}
HAND = {
    "of": 2,
    "strategy": "ladder",
    "since": BEGAN.isoformat(),
    "seconds": SECONDS,
    "steps": [{"index": 1}, {"index": 2, "verify_seconds": 300}],
}


def after(seconds: float) -> datetime.datetime:
    return BEGAN + datetime.timedelta(seconds=seconds)


def record(hand: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    in_hand = json.dumps({**HAND, **(hand or {})})
    return {"status": "remediating", "in_flight": "me", "in_hand": in_hand, **more}


def did(index: int, at: float, status: str = "succeeded", operation: str = "execute") -> Any:
    ended = after(at).isoformat()
    step = {"index": index}
    return {"operation": operation, "status": status, "step": step, "completed_at": ended}


def asked(**more: Any) -> dict[str, Any]:
    return {"requested_at": after(5).isoformat(), "until": after(905).isoformat(), **more}


@pytest.mark.parametrize(
    ("actions", "now", "until"),
    [
        ([], 30, 600),  # the first step is under way
        ([did(1, -100)], 30, 600),  # what a runbook before it did is none of its steps
        ([did(1, 60)], 90, 60 + 135),  # did it help?
        ([did(1, 60)], 200, 60 + 135 + 360),  # its end may be on its way
        ([did(1, 60)], 600, 60 + 135 + 360 + 600),  # the next rung
        ([did(1, 60, "failed")], 90, 660),  # the next rung at once
        ([did(1, 60, "failed"), did(2, 90)], 100, 90 + 315),  # its own verify_seconds
        ([did(1, 60), did(1, 400, operation="undo")], 410, 1000),
    ],
)
def test_it_is_told_from_what_the_record_has(
    actions: list[dict[str, Any]], now: float, until: float
) -> None:
    assert decided_by(record(actions_taken=actions), after(now)) == after(until)


def test_a_sequence_looks_when_all_is_done() -> None:
    hand = {"strategy": "sequence"}
    assert decided_by(record(hand, actions_taken=[did(1, 60)]), after(90)) == after(660)
    assert decided_by(record(hand, actions_taken=[did(2, 60)]), after(90)) == after(375)


def test_the_time_of_a_step_that_asks_begins_with_the_answer() -> None:
    assert decided_by(record(approval=asked()), after(10)) == after(905)
    answered = asked(answer="approved", answered_at=after(300).isoformat())
    assert decided_by(record(approval=answered), after(310)) == after(900)
    assert decided_by(record(approval=answered), after(310), since=after(4)) == after(900)
    # An answer that nobody noted: its step has begun since.
    begun: dict[str, Any] = {
        "runbook_execution": "me",
        "begun": "me",
        "begun_at": after(300).isoformat(),
    }
    assert decided_by(record(approval=asked(), **begun), after(310)) == after(900)
    assert decided_by(record(), after(310), since=after(4)) == after(604)


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "resolved"},
        {"in_hand": None},
        {"in_hand": "no JSON"},
        {"in_hand": json.dumps({"of": 1})},
        {"in_hand": json.dumps({**HAND, "since": "never"})},
        {"in_hand": json.dumps({**HAND, "seconds": 5})},
    ],
)
def test_of_a_record_that_does_not_say_it_nothing_is_told(odd: dict[str, Any]) -> None:
    assert decided_by({**record(), **odd}, after(10)) is None
