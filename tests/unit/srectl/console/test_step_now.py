"""Where a runbook is, as far as the record tells."""

from __future__ import annotations

from typing import Any

import pytest

from srectl.console.story import step_now


def ended(index: int, status: str, operation: str = "execute") -> dict[str, Any]:
    return {"operation": operation, "status": status, "step": {"index": index}}


@pytest.mark.parametrize(
    ("told", "index", "what"),
    [
        ([], 1, "is under way"),
        ([ended(1, "failed")], 2, "is under way"),
        ([ended(1, "succeeded")], 1, "is done; what comes next is decided"),
        ([ended(1, "failed"), ended(2, "succeeded")], 2, "is done; whether it helped is looked at"),
        (
            [ended(1, "failed"), ended(2, "failed")],
            2,
            "has failed; what was done is taken back, unless it is to stay",
        ),
        ([ended(2, "failed"), ended(2, "succeeded", "undo")], 2, "is taken back"),
    ],
)
def test_each_moment_has_its_words(told: list[dict[str, Any]], index: int, what: str) -> None:
    steps = [{"index": 1, "action": "restart_workload"}, {"index": 2, "action": "roll_back"}]
    record = {
        "status": "remediating",
        "in_hand": {"runbook": "R", "steps": steps},
        "actions_taken": told,
    }
    now = step_now(record)
    assert (now["index"], now["what"]) == (index, what)
