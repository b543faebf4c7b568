"""A runbook that was not seen to help asks; in doubt it asks, and right before acting it stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.errors import (
    ApprovalDenied,
    AwsUnavailable,
    InvalidRequest,
    PlanChanged,
)
from runbook_action.ports import Lock
from runbook_action.trust import Trust, asking_where_untrusted, said_with
from tests.unit.runbook_action.approving import ADA, ASKS, asking, call
from tests.unit.runbook_action.fake_catalogue import FakeLocks
from tests.unit.runbook_action.fakes import INCIDENT, World
from tests.unit.runbook_action.invocations import Context, FakeContainer

WHY = "runbook Asks was not seen to help in its last 3 remediations here"


class Broken(FakeLocks):
    """A table that does not answer."""

    def read(self, key: str) -> Lock | None:
        raise AwsUnavailable(f"reading the lock {key}: throttled")


def locked(tried: object, runbook: str = "Asks") -> FakeLocks:
    unhelped: Any = {runbook: frozenset(tried) if isinstance(tried, str) else tried}
    return FakeLocks(Lock(INCIDENT, 2e9, unhelped))


def why(locks: FakeLocks, limit: int = 3, runbook: str = "Asks") -> str:
    return Trust(locks, limit).why_it_asks(runbook, ["target#x"], INCIDENT)


@pytest.mark.parametrize(
    ("tried", "limit", "told"),
    [
        ("", 3, ""),
        ("ab", 3, ""),
        ("abc", 3, WHY),
        ("abcd", 3, WHY.replace("3", "4")),
        ("a", 1, "runbook Asks was not seen to help in its last remediation here"),
        ("abcdefg", 0, ""),
    ],
)
def test_it_asks_once_so_many_in_a_row_did_not_help(tried: str, limit: int, told: str) -> None:
    assert why(locked(tried), limit) == told


def test_what_this_incident_did_so_far_counts_neither_way_yet() -> None:
    assert why(locked(frozenset({"a", "b", INCIDENT}))) == ""
    assert why(locked(frozenset({"a", "b", "c", INCIDENT}))) == WHY


def test_what_another_runbook_did_and_a_target_that_nobody_had_count_nothing() -> None:
    assert why(locked("abc", "Other")) == ""
    assert why(FakeLocks(None)) == ""
    assert why(locked("abc"), runbook="") == ""


def test_where_what_was_done_cannot_be_read_it_asks_and_right_before_acting_it_stops() -> None:
    assert "cannot be read (reading the lock" in why(Broken())
    with pytest.raises(AwsUnavailable):
        Trust(Broken(), 3).why_it_must_ask("Asks", ["target#x"], INCIDENT)
    assert why(locked(None)) == "what is kept of what runbook Asks did here before cannot be read"
    assert why(Broken(), limit=0) == ""


def test_of_the_steps_those_ask_that_change_such_a_target() -> None:
    locks = FakeLocks(None, {"bad": Lock("", 0, {"Asks": frozenset("abc")})})
    approval = {"required": False, "timeout_seconds": 60, "approvers": ["ada"]}
    steps = [
        {"index": n, "locks": keys, "changes": changes, "approval": approval}
        for n, (keys, changes) in enumerate(
            [(["pod", "bad"], True), (["good"], True), (["bad"], False)]
        )
    ]
    found = asking_where_untrusted(steps, "Asks", INCIDENT, Trust(locks, 3))
    assert found[0]["approval"] == {**approval, "required": True, "why": WHY}
    assert found[1:] == steps[1:]


def test_a_summary_says_why_and_how_that_ends() -> None:
    assert said_with("would restart it.", "R", "") == "would restart it."
    told = said_with("would restart it.", "R", WHY)
    assert told.startswith(f"would restart it. A human is asked first, because {WHY};")
    assert "'srectl runbooks trust R'" in told


@pytest.fixture
def untrusted(world: World) -> World:
    """A published runbook that asks for nothing itself, and has lost the trust on its target."""
    asks = {**ASKS, "approval": {"required": False}}
    world.catalogue.runbooks = (*world.catalogue.runbooks, asks)
    world.locks.usual = Lock(INCIDENT, 2e9, {"Asks": frozenset("abc")})
    return world


def test_its_plan_says_that_it_asks_and_why_and_stays_the_same_plan(
    untrusted: World,
) -> None:
    planned = module.handler(call("plan"), Context())
    assert planned["asks"] is True
    assert WHY in planned["summary"]
    untrusted.locks.usual = Lock(INCIDENT, 2e9)
    again = module.handler(call("plan"), Context())
    assert again["asks"] is False
    assert WHY not in again["summary"]
    assert again["plan_hash"] == planned["plan_hash"]


def test_it_does_not_act_unasked_whatever_the_machine_was_told(untrusted: World) -> None:
    unanswered: list[Any] = [None, {"proofs": []}]
    for given in unanswered:
        with pytest.raises(
            PlanChanged, match=f"has to be asked before this step is done, because {WHY}"
        ):
            module.handler(call(approval=given), Context())
    assert untrusted.calls.writes() == []


def test_what_its_target_belongs_to_counts_too(untrusted: World) -> None:
    """Each pod that is evicted has another name; their workload has one."""
    workload = "target#sre-platform#apps#statefulset#db"
    untrusted.locks.usual = Lock(INCIDENT, 2e9)
    untrusted.locks.kept[workload] = Lock(INCIDENT, 2e9, {"Asks": frozenset("abc")})
    assert module.handler(call("plan"), Context())["asks"] is False
    assert module.handler(call("plan", locks=[workload]), Context())["asks"] is True
    with pytest.raises(PlanChanged, match=WHY):
        module.handler(call(locks=[workload]), Context())


@pytest.mark.parametrize("locks", ["target#a#b#c#d", ["lease#a#b#c#d"], [3], ["target#a"] * 9])
def test_what_are_no_locks_is_refused(untrusted: World, locks: Any) -> None:
    with pytest.raises(InvalidRequest, match="locks"):
        module.handler(call("plan", locks=locks), Context())


def test_it_acts_for_who_has_approved_the_plan_and_for_nobody_else(untrusted: World) -> None:
    approval = asking(untrusted, required=False)
    with pytest.raises(ApprovalDenied):
        module.handler(call(approval={**approval, "proofs": ["forged"]}), Context())
    assert untrusted.calls.writes() == []
    answer = module.handler(call(approval=approval), Context())
    assert (answer["status"], answer["approved_by"]) == ("succeeded", ADA)


def test_approvers_of_its_step_answer_for_that_too(untrusted: World) -> None:
    untrusted.catalogue.runbooks = untrusted.catalogue.runbooks[:-1]
    approval = asking(untrusted, required=False, approvers=["arn:aws:iam::*:user/grace"])
    with pytest.raises(ApprovalDenied, match="may not approve"):
        module.handler(call(approval=approval), Context())


def test_what_was_begun_and_has_failed_before_goes_on(untrusted: World) -> None:
    """Its own incident is among those that did not help, from the moment that it took the lock."""
    untrusted.locks.usual = Lock(INCIDENT, 2e9, {"Asks": frozenset({"a", "b", INCIDENT})})
    assert module.handler(call(), Context())["status"] == "succeeded"


def test_an_undo_asks_nobody(untrusted: World) -> None:
    untrusted.locks.usual = Lock(INCIDENT, 2e9)
    done = module.handler(call(), Context())
    untrusted.locks.usual = Lock(INCIDENT, 2e9, {"Asks": frozenset("abc")})
    answer = module.handler(call("undo", undo=done["undo"]), Context())
    assert answer["status"] == "succeeded"


def test_resolve_marks_the_steps_that_ask_so_that_the_lock_lasts_for_the_answer(
    untrusted: World,
) -> None:
    asked = {
        "operation": "resolve",
        "runbook": {**ASKS, "approval": {"required": False}, "severities": ["critical"]},
        "alert": {"alert_name": "Asks", "labels": {}, "target": {}},
        "incident_id": INCIDENT,
    }
    (step,) = module.handler(asked, Context())["steps"]
    assert step["approval"] == {"required": True, "timeout_seconds": 900, "why": WHY}


def test_zero_switches_it_off(untrusted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known = FakeContainer(untrusted)
    known.settings = replace(known.settings, ask_after_unhelped=0)
    monkeypatch.setattr(module, "container", lambda: known)
    assert module.handler(call("plan"), Context())["asks"] is False
    assert module.handler(call(), Context())["status"] == "succeeded"
