"""What the restorer is handed: only what was changed for a time, and only where that is asked."""

from __future__ import annotations

from typing import Any

import pytest
from jsonata import Jsonata

from tests.support.machines import machines

RESTORE = {"after_seconds": 1800}
ON: dict[str, Any] = {
    "step": {"index": 1, "lends": True},
    "acted": True,
    "undo": {"parameters": {}},
}
ROLLBACK: dict[str, Any] = {**ON, "step": {"index": 2, "lends": False}}
UNTOUCHED = {"step": {"index": 3, "lends": True}, "acted": False}


def evaluated(expression: str, **variables: Any) -> Any:
    return Jsonata(expression.strip().removeprefix("{%").removesuffix("%}")).evaluate(
        None, variables
    )


def state(name: str) -> dict[str, Any]:
    found: dict[str, Any] = machines()["incident-response-runbook"].definition()["States"][name]
    return found


def test_what_is_for_good_stays() -> None:
    stack = state("StartRestorer")["Arguments"]["Input"]["stack"]
    given = {"runbook": {"restore": RESTORE}, "answers": [ON, ROLLBACK, UNTOUCHED]}
    assert [each["step"]["index"] for each in evaluated(stack, **given)] == [1]


@pytest.mark.parametrize(
    ("answers", "restore", "starts"),
    [
        ([ROLLBACK, ON], RESTORE, True),
        ([ROLLBACK], RESTORE, False),
        ([UNTOUCHED], RESTORE, False),
        ([], RESTORE, False),
        ([ON], None, False),
    ],
)
def test_it_is_started_only_where_something_is_to_be_brought_back(
    answers: list[Any], restore: Any, starts: bool
) -> None:
    given = {
        "runbook": {"restore": restore} if restore else {},
        "answers": answers,
        "acted": any(each["acted"] for each in answers),
        "alert_resolved": True,
        "failure": {"code": ""},
        "states": {"input": {"healthy": True, "over": True}},
        "holding": False,
        "handed_over": False,
    }
    for name, goes_to in (("IsResolved", "CloseAndRestore"), ("HowToEscalate", "StartRestorer")):
        (condition,) = [
            each["Condition"] for each in state(name)["Choices"] if each["Next"] == goes_to
        ]
        assert bool(evaluated(condition, **given)) is starts


def test_an_undo_after_a_failure_takes_back_all_that_asks_for_it() -> None:
    answers = [{**each, "step": {**each["step"], "on_failure": "undo"}} for each in (ON, ROLLBACK)]
    (choice,) = state("NeedsUndo")["Choices"]
    for undone in ([], ["one"]):
        assert evaluated(choice["Condition"], answers=answers, undone=undone) is True
    assert evaluated(choice["Condition"], answers=answers, undone=["one", "two"]) is False
