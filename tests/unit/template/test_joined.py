"""When a remediation that others joined has ended, and what is said of it to them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.machines import machines
from tests.support.verification import evaluated

NOBODY = {"timestamp": "t", "over": False, "left": ""}


def leader(**record: str) -> dict[str, Any]:
    """Give what VerifyResolution makes of the leader's record: of each name its text."""
    state = machines()["incident-response-runbook"].definition()["States"]["VerifyResolution"]
    item = {name: {"S": text} for name, text in record.items()}
    found = evaluated(
        state["Assign"]["leader"],
        states={"result": {"Responses": [{"Item": {}}, {"Item": item}]}},
        leader=NOBODY,
        attached_to="another",
    )
    return dict(found)


@pytest.mark.parametrize(
    "record",
    [
        {"status": "remediating", "in_flight": "arn:x"},
        # Somebody was called before its severity rose; the runbook acts all the same.
        {"status": "escalated", "in_flight": "arn:y", "abandoned": "arn:x"},
        {"status": "escalated", "in_flight": "arn:y"},
        {},
    ],
    ids=["acts", "acts again", "acts at a severity that has risen", "not to be read"],
)
def test_one_that_acts_is_waited_for(record: dict[str, str]) -> None:
    assert leader(**record) == NOBODY


STOPPED = {"status": "escalated", "in_flight": "arn:x", "abandoned": "arn:x"}
BY_ADA = {"stopped_execution": "arn:x", "stopped_by": "ada", "stopped_because": "sale\nis on"}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (STOPPED, "ended before it was over"),
        (STOPPED | BY_ADA, "was stopped by ada (sale is on)"),
        (STOPPED | BY_ADA | {"stopped_because": ""}, "was stopped by ada"),
        # Of an execution before this one.
        (STOPPED | BY_ADA | {"stopped_execution": "arn:w"}, "ended before it was over"),
        (
            STOPPED | BY_ADA | {"acknowledged_by": "bob"},
            "was stopped by ada (sale is on) and is in the hands of bob",
        ),
        (
            STOPPED | {"status": "resolved", "closed_by": "ada", "closed_reason": "rolled back"},
            "was closed by ada (rolled back)",
        ),
        (
            {"status": "escalated", "escalation_code": "approval-denied"},
            "was handed to a human (its plan was denied)",
        ),
        # What has mended its target, or seems to have: each has an end of its own to wait for.
        ({"status": "resolved"}, ""),
        ({"status": "escalated", "escalation_code": "end-not-heard"}, ""),
    ],
)
def test_one_that_has_ended_says_what_it_leaves(record: dict[str, str], said: str) -> None:
    assert leader(**record) == {"timestamp": "t", "over": True, "left": said}
