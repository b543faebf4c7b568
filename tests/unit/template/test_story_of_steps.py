"""The reason of an escalation tells each step once, in whole sentences."""

from __future__ import annotations

from typing import Any

import pytest
from jsonata import Jsonata

from tests.support.machines import machines

REFUSED = "The plan of action rollback_workload failed with ActionRefused: no earlier revision."
DENIED = "Runbook Mend was denied: arn:aws:iam::1:user/ada: sale is on"
ONE = {"index": 1, "name": "restart"}
TWO = {"index": 2, "name": "roll-back"}


def answer(step: dict[str, Any], status: str, summary: str) -> dict[str, Any]:
    return {"step": step, "status": status, "summary": summary, "failure": {"text": ""}}


def told(text: str, answers: list[dict[str, Any]], *undone: str) -> Any:
    states = machines()["incident-response-runbook"].definition()["States"]
    expression = states["NeedsUndo"]["Assign"]["failure"]["text"]
    became = [{"step": ONE, "summary": each} for each in undone]
    known = {"failure": {"text": text}, "answers": answers, "undone": became, "of": len(answers)}
    return Jsonata(expression.strip()[2:-2]).evaluate(None, known)


@pytest.mark.parametrize(
    ("text", "answers", "undone", "said"),
    [
        (
            REFUSED,
            [answer(ONE, "done", "Restarted."), answer(TWO, "refused", REFUSED)],
            ["It stays."],
            f"{REFUSED} 1. restart: done (Restarted.). 2. roll-back: refused. "
            "1. restart: It stays.",
        ),
        (
            DENIED,
            [answer(ONE, "done", ""), answer(TWO, "denied", DENIED)],
            [],
            f"{DENIED}. 1. restart: done. 2. roll-back: denied.",
        ),
        (DENIED, [answer(ONE, "denied", DENIED)], [], f"{DENIED}."),
    ],
)
def test_what_the_reason_begins_with_is_not_said_again_of_its_step(
    text: str, answers: list[dict[str, Any]], undone: list[str], said: str
) -> None:
    assert told(text, answers, *undone) == said
