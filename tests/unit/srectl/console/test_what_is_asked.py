"""A question says on what it would act; what cannot be shown is approved by nobody."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from srectl.console import story
from srectl.operate import approvals
from srectl.operate.account import Account
from tests.support.console_scene import Scene, deployment
from tests.unit.srectl.console.hands import Hands

ID = "99999999-0000-4000-8000-000000000009"
TARGET = {"cluster": "prod-eu", "namespace": "payments", "kind": "deployment", "name": "till"}
CHANGE = {"kind": "deployment", "name": "till", "field": "spec.replicas", "from": 3, "to": 0}


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as made:
        yield Scene(made, datetime.datetime.now(datetime.UTC))


@pytest.fixture
def account(scene: Scene) -> Account:
    return scene.account


@pytest.fixture
def hands(account: Account) -> Hands:
    return Hands(account)


def asks(scene: Scene, plan: Any = None, **changes: Any) -> None:
    """Have the second of three steps ask, on another target than the alert's."""
    step = {"name": "s", "action": "scale_deployment", "of": 3, "target": TARGET, "parameters": {}}
    steps = [{**step, "index": 1, "action": "invoke_check"}, {**step, "index": 2}]
    scene.put(
        ID,
        status="remediating",
        in_flight="arn:x",
        in_hand=json.dumps({"runbook": "R", "of": 3, "locks": [], "steps": steps}),
        approval={
            "token": "secret",
            "requested_at": scene.ago(minutes=1),
            "runbook": "R",
            "step": 2,
            "plan": json.dumps([CHANGE]) if plan is None else plan,
            "plan_hash": "a" * 64,
            "asked_before": 0,
            "persons": 1,
            **changes,
        },
    )


def question(page: str) -> str:
    """Give the words of the question on a page."""
    (found,) = re.findall(r'class="ask".*?(?=</li>|</section>)', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


@pytest.mark.parametrize("path", ["/", f"/incidents/{ID}"])
@pytest.mark.parametrize("many", [False, True])
def test_it_says_on_what_it_would_act_in_which_cluster(
    scene: Scene, hands: Hands, path: str, many: bool
) -> None:
    asks(scene, json.dumps([CHANGE] * 9) if many else None)
    said = question(hands.see(path))
    where = "prod-eu/payments/deployment/till"
    assert re.search(rf"Step 2 of 3: scale_deployment on {where}\.", said), said
    assert "before" not in said


@pytest.mark.parametrize(("before", "words"), [(1, "once before"), (2, "2 times before")])
@pytest.mark.parametrize("path", ["/", f"/incidents/{ID}"])
def test_it_says_that_it_was_answered_and_asks_again(
    scene: Scene, hands: Hands, path: str, before: int, words: str
) -> None:
    asks(scene, asked_before=before)
    assert f"It was answered {words}, but the plan had changed" in question(hands.see(path))


@pytest.mark.parametrize("path", ["/", f"/incidents/{ID}"])
@pytest.mark.parametrize("plan", ["not json", "7", "{}"])
def test_what_cannot_be_shown_is_not_approved(
    scene: Scene, account: Account, hands: Hands, path: str, plan: str
) -> None:
    asks(scene, plan)
    page = hands.see(path)
    said = question(page)
    assert "Its plan cannot be read" in said
    assert "would change nothing" not in said
    assert "Approve: do it" not in page
    assert "Deny" in said
    # Nor by a form of before.
    answer = hands.send(f"/incidents/{ID}/approve", plan_hash="a" * 64, step="2")
    assert "cannot be read in the record" in answer
    asked = approvals.question(account.dynamodb, account.incidents_table, ID)
    assert (asked.plan, asked.is_readable) == ([], False)


def test_a_plan_that_changes_nothing_may_be_approved(scene: Scene, hands: Hands) -> None:
    asks(scene, "[]")
    page = hands.see("/")
    assert "As things stand it would change nothing." in page
    assert "Approve: do it" in page


@pytest.mark.parametrize("hand", [None, "no json", "[]", '{"steps": 7}', '{"steps": [7]}'])
@pytest.mark.parametrize("step", [None, 2, 9, "x", [7]])
def test_of_a_step_that_the_record_does_not_have_nothing_is_guessed(hand: Any, step: Any) -> None:
    asked = story.step_asked({"in_hand": hand, "approval": {"step": step}})
    assert (asked["index"], asked["action"], asked["target"]) == (step or 1, None, None)


def test_that_nothing_is_known_of_the_step_is_said(scene: Scene, hands: Hands) -> None:
    asks(scene, step=9)
    assert "its action and target do not stand in the record" in question(hands.see("/"))
