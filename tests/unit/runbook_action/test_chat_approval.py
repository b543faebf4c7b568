"""Who answers in Slack is spoken for by one role, by name, and held to what others are held to."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.consent import denial_of, speaker_of, spoken_for, with_speaker
from runbook_action.errors import ApprovalDenied
from tests.unit.runbook_action.approving import ADA, asking, call
from tests.unit.runbook_action.fakes import TOKEN, World
from tests.unit.runbook_action.invocations import Context

ROLE = "sre-chat-actions"
CHAT = f"arn:aws:sts::000000000000:assumed-role/{ROLE}/chat-actions"
GRACE = "arn:aws:iam::000000000000:user/grace"
TOLD = f"{GRACE} (in Slack, as U024)"


def clicked(
    world: World, signer: str = CHAT, person: str = GRACE, user: str = "U024", **approval: Any
) -> dict[str, Any]:
    """An approval that ``chat-actions`` signed for somebody."""
    world.chat_role = ROLE
    planned = asking(world, **approval)["plan_hash"]
    statement = spoken_for(f"{TOKEN}/{planned}", user, person)
    world.identities.signatures["query"] = (signer, statement)
    return {"proofs": [with_speaker(user, person, "query")], "plan_hash": planned}


def test_who_pressed_the_button_is_named_and_told_from_who_signed_himself(world: World) -> None:
    answer = module.handler(call(approval=clicked(world)), Context())
    assert (answer["status"], answer["approved_by"]) == ("succeeded", TOLD)


@pytest.mark.parametrize(
    ("signer", "why"),
    [
        (ADA, "may speak for nobody but itself"),
        (CHAT.replace(ROLE, f"{ROLE}-2"), "may speak for nobody but itself"),
        (CHAT.replace("000000000000", "111111111111"), "may speak for nobody but itself"),
        (GRACE, "may speak for nobody but itself"),
    ],
)
def test_nobody_else_speaks_for_another(world: World, signer: str, why: str) -> None:
    with pytest.raises(ApprovalDenied, match=why):
        module.handler(call(approval=clicked(world, signer)), Context())
    assert world.calls.writes() == []


def test_without_the_function_nobody_is_spoken_for(world: World) -> None:
    approval = clicked(world)
    world.chat_role = ""
    with pytest.raises(ApprovalDenied, match="may speak for nobody"):
        module.handler(call(approval=approval), Context())


def test_the_function_itself_is_nobody_who_approves(world: World) -> None:
    world.chat_role = ROLE
    with pytest.raises(ApprovalDenied, match="answers for people only"):
        module.handler(call(approval=asking(world, CHAT)), Context())
    assert world.calls.writes() == []


@pytest.mark.parametrize(
    "other",
    [
        ("U025", GRACE),
        ("U024", GRACE.replace("grace", "ada")),
    ],
)
def test_a_name_that_was_put_in_afterwards_is_not_what_was_signed(
    world: World, other: tuple[str, str]
) -> None:
    approval = clicked(world)
    forged = {**approval, "proofs": [with_speaker(*other, "query")]}
    with pytest.raises(ApprovalDenied, match="AWS does not know the signature"):
        module.handler(call(approval=forged), Context())
    assert world.calls.writes() == []


def test_a_click_on_another_plan_approves_nothing(world: World) -> None:
    approval = clicked(world)
    other = {**approval, "plan_hash": "0" * 64}
    with pytest.raises(ApprovalDenied, match="AWS does not know the signature"):
        module.handler(call(approval=other), Context())


@pytest.mark.parametrize(("approvers", "may"), [([GRACE], True), ([ADA], False)])
def test_who_may_approve_is_the_same_in_slack(
    world: World, approvers: list[str], may: bool
) -> None:
    asked = call(approval=clicked(world, approvers=approvers))
    if may:
        assert module.handler(asked, Context())["approved_by"] == TOLD
        return
    with pytest.raises(ApprovalDenied, match="grace may not approve"):
        module.handler(asked, Context())


@pytest.mark.parametrize(("second", "may"), [(ADA, True), (GRACE, False)])
def test_one_person_in_slack_and_on_the_command_line_is_one_person(
    world: World, second: str, may: bool
) -> None:
    approval = clicked(world, persons=2)
    world.identities.signatures["own"] = (second, f"{TOKEN}/{approval['plan_hash']}")
    both = {**approval, "proofs": [*approval["proofs"], "own"]}
    if may:
        assert module.handler(call(approval=both), Context())["approved_by"] == f"{TOLD} and {ADA}"
        return
    with pytest.raises(ApprovalDenied, match="are one"):
        module.handler(call(approval=both), Context())


def test_a_denial_in_slack_names_the_person(world: World) -> None:
    approval = clicked(world)
    denied = spoken_for(denial_of(TOKEN, approval["plan_hash"], "no"), "U024", GRACE)
    world.identities.signatures["query"] = (CHAT, denied)
    with pytest.raises(ApprovalDenied, match=r"grace \(in Slack, as U024\): no$"):
        module.handler(call(approval={**approval, "denied": "no"}), Context())


@pytest.mark.parametrize(
    "odd", ["slack:U024:|q", "slack:u024:a|q", "slack:U024:a b|q", "slack:U024:a|", "slack:U024:a"]
)
def test_what_names_nobody_rightly_is_somebodys_own(odd: str) -> None:
    assert speaker_of(odd) == ("", "", odd)
