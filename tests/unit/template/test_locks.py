"""How the machines take locks, where a local AWS cannot show it: DynamoDB's refusals, and sizes."""

from __future__ import annotations

from typing import Any

import pytest
from jsonata import Jsonata

from tests.support.machines import machines
from tests.support.template import deployed

#: How long platform-canary waits for its incident.
WAITED_FOR = ("StabilizationSeconds", "VerifyTimeoutSeconds")
#: As Step Functions tells them.
CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons [{}] (…)"


def state(kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = machines()[kind].definition()["States"][name]
    return found


def evaluated(expression: str, **variables: Any) -> Any:
    return Jsonata(expression.removeprefix("{%").removesuffix("%}")).evaluate(None, variables)


@pytest.mark.parametrize(
    ("reasons", "waits"),
    [
        ("ConditionalCheckFailed, None", False),
        ("None, ConditionalCheckFailed", False),
        ("TransactionConflict, ConditionalCheckFailed", False),
        ("TransactionConflict, None", True),
        ("None, ThrottlingError", True),
        ("ProvisionedThroughputExceeded, None", True),
    ],
)
def test_only_a_failed_condition_means_that_somebody_was_quicker(reasons: str, waits: bool) -> None:
    (refused, _) = state("incident-response-runbook", "AcquireTargets")["Catch"]
    assert refused["ErrorEquals"] == ["DynamoDb.TransactionCanceledException"]
    pauses = [
        evaluated(
            refused["Assign"]["pause"],
            states={"errorOutput": {"Cause": CANCELLED.format(reasons)}},
            guard_attempts=attempt,
        )
        for attempt in (1, 4)
    ]
    if waits:
        assert 1 <= pauses[0] <= 3 < pauses[1] <= 6
    else:
        assert pauses == [0, 0]


def acquired(locks: list[str], steps: int, *, canary: bool = False, unhelped: int = 0) -> list[Any]:
    """Give what is written to take these locks at second 1."""
    arguments = state("incident-response-runbook", "AcquireTargets")["Arguments"]["TransactItems"]
    step = {"approval": {"required": False}, "verify_seconds": None}
    guard = {"version": 3, "history": "[1]", "uncounted": "[]", "unhelped": unhelped}
    guards = [{"key": key, **guard} for key in locks]
    found: list[Any] = evaluated(
        arguments,
        states={"input": {"now": 1, "guards": guards}},
        runbook={"name": "R"},
        steps=[step] * steps,
        of=steps,
        incident={"incident_id": "i"},
        canary=canary,
        timestamp="t",
        me="me",
        before=["nobody", "nobody"],
        called=False,
    )
    return found


@pytest.mark.parametrize(("unhelped", "counts"), [(0, True), (49, True), (50, False)])
def test_who_takes_a_lock_counts_as_not_helping_until_it_has(unhelped: int, counts: bool) -> None:
    """At most fifty are kept, so that an item that nobody looks at has an end."""
    lock = acquired(["target#a"], 1, unhelped=unhelped)[0]["Update"]
    assert ("ADD #unhelped :tried" in lock["UpdateExpression"]) is counts
    assert lock.get("ExpressionAttributeNames") == ({"#unhelped": "unhelped#R"} if counts else None)
    values = lock["ExpressionAttributeValues"]
    assert values.get(":tried") == ({"Ss": ["i"]} if counts else None)


_RELEASES = "REMOVE holder, lease_expires_at, restoring, uncounted"
_UNCOUNTS = " SET history = if_not_exists(uncounted, history)"
_COOLS = " SET acted_until = :let_go, acted_by = :holder"


def let_go(code: str, *, acted: bool) -> Any:
    """Give what is written to let go of a lock: alone, and in the transaction that closes."""
    released = evaluated(
        state("incident-response-runbook", "ReleaseTargets")["Arguments"],
        holding=True,
        released=0,
        locks=["target#a"],
        incident={"incident_id": "i"},
        runbook={"name": "R"},
        failure={"code": code},
        acted=acted,
    )
    # Under one that is marked so a restorer of this incident is at work.
    assert released["ConditionExpression"] == "holder = :holder AND attribute_not_exists(restoring)"
    assert released["ExpressionAttributeValues"][":holder"] == {"S": "i"}
    assert released["UpdateExpression"].startswith("REMOVE holder, lease_expires_at, restoring")
    return released


@pytest.mark.parametrize(
    ("code", "acted", "forgets"),
    [
        ("", True, ", #unhelped"),
        ("", False, " DELETE #unhelped :mine"),
        ("end-not-heard", True, " DELETE #unhelped :mine"),
        ("approval-denied", False, " DELETE #unhelped :mine"),
        ("approval-denied", True, ""),
        ("not-resolved", True, ""),
        ("target-unhealthy", True, ""),
        ("step-lost", True, ""),
        ("record-unavailable", True, ""),
    ],
)
def test_who_lets_go_forgets_what_did_not_help_only_where_it_has(
    code: str, acted: bool, forgets: str
) -> None:
    found = let_go(code, acted=acted)
    assert found["UpdateExpression"] == f"{_RELEASES}{forgets}{_COOLS if acted else _UNCOUNTS}"
    assert (":let_go" in found["ExpressionAttributeValues"]) is acted
    assert found.get("ExpressionAttributeNames") == (
        {"#unhelped": "unhelped#R"} if forgets else None
    )
    mine = {"SS": ["i"]} if ":mine" in forgets else None
    assert found["ExpressionAttributeValues"].get(":mine") == mine


def test_the_heartbeat_earns_and_loses_no_trust() -> None:
    lock = acquired(["target#a"], 1, canary=True)[0]["Update"]
    assert "unhelped" not in str(lock)


@pytest.mark.parametrize(("by_hand", "cools"), [(True, _COOLS), (False, "")])
def test_the_restorer_lets_go_of_a_lock_and_of_nothing_else(by_hand: bool, cools: str) -> None:
    found = evaluated(
        state("incident-restorer", "ReleaseTargets")["Arguments"],
        released=0,
        locks=["target#a"],
        incident={"incident_id": "i"},
        me="arn:mine",
        by_hand=by_hand,
    )
    assert found["UpdateExpression"] == f"{_RELEASES}{cools}"
    assert (":let_go" in found["ExpressionAttributeValues"]) is bool(cools)
    assert found["ConditionExpression"] == "holder = :holder AND restoring = :restoring"
    assert found["ExpressionAttributeValues"][":restoring"] == {"S": "arn:mine"}


def test_the_longest_runbook_can_be_locked_in_one_transaction() -> None:
    """Eight steps, each with its object and one thing besides, and three more: of 100 at most."""
    locks = [f"target#c#n#deployment#{n}" for n in range(8)] + [f"thing#{n}" for n in range(8)]
    keys = [each["Update"]["Key"] for each in acquired(locks, 8)]
    assert [key["guard_key"]["S"] for key in keys[:-3]] == locks
    assert "incident_id" in keys[-3]
    assert keys[-2:] == [{"guard_key": {"S": f"{kind}#i"}} for kind in ("incident", "relation")]


def test_a_heartbeat_that_is_stopped_is_not_in_the_way_of_the_next_ones() -> None:
    """They would join it, until its lock runs out, and say that the platform is ill."""
    times = [deployed()["Parameters"][name]["Default"] for name in WAITED_FOR]

    def lasts(*, canary: bool) -> int:
        (lock, *_) = acquired(["target#c"], 1, canary=canary)
        return int(lock["Update"]["ExpressionAttributeValues"][":lease"]["N"]) - 1

    assert lasts(canary=True) == sum(times)
    assert lasts(canary=False) > 3600


@pytest.mark.parametrize(
    ("reasons", "at_work"),
    [
        ("ConditionalCheckFailed, None", True),
        ("ConditionalCheckFailed, ConditionalCheckFailed", True),
        ("None, ConditionalCheckFailed", False),
        ("TransactionConflict, None", False),
        ("TransactionConflict, ConditionalCheckFailed", False),
    ],
)
def test_a_runbook_is_at_work_only_where_the_record_says_so(reasons: str, at_work: bool) -> None:
    """The record is the first of what the restorer's transaction asks."""
    (refused, _) = state("incident-restorer", "LockTargets")["Catch"]
    found = evaluated(
        refused["Assign"]["at_work"],
        states={"errorOutput": {"Cause": CANCELLED.format(reasons)}},
    )
    assert found is at_work


@pytest.mark.parametrize("number", [1, 2, 16])
def test_the_restorer_takes_all_locks_raises_their_versions_and_leaves_their_history(
    number: int,
) -> None:
    arguments = state("incident-restorer", "LockTargets")["Arguments"]["TransactItems"]
    locks = [f"target#{n}" for n in range(number)]
    record, *found = evaluated(
        arguments,
        stack=[{}, {}],
        locks=locks,
        incident={"incident_id": "i"},
        timestamp="t",
        me="arn",
        handed_by="nobody",
        ended=[],
    )
    assert record["ConditionCheck"]["Key"] == {"incident_id": {"S": "i"}, "timestamp": {"S": "t"}}
    assert [each["Update"]["Key"]["guard_key"]["S"] for each in found] == locks
    for each in found:
        assert "ADD version :one" in each["Update"]["UpdateExpression"]
        assert "history" not in each["Update"]["UpdateExpression"]
