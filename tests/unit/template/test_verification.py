"""Whether a remediation helped is decided by what was heard of its alert, and by its target.

Alertmanager tells an end only when a group's next turn comes (`group_interval`, five minutes as it
is shipped), and a firing again only after `repeat_interval` (four hours): nothing that is heard in
the minutes after an action is no news. tests/integration/monitoring/test_news_of_ends.py measures.
"""

from __future__ import annotations

import pytest

from tests.support.template import deployed
from tests.support.verification import END_HEARD, decided, evaluated, looked_at


@pytest.mark.parametrize("since_due", [1, 60, END_HEARD - 5])
def test_a_good_remediation_whose_end_is_still_to_be_told_is_waited_for(since_due: float) -> None:
    assert decided(since_due, healthy=True) == ("WaitToVerifyAgain", "")


def test_an_end_that_was_heard_late_closes_it() -> None:
    assert decided(END_HEARD - 5, healthy=True, resolved=True) == ("UpdateStatus", "")


def test_what_is_healthy_is_not_undone_merely_because_nothing_more_is_heard() -> None:
    assert decided(END_HEARD + 1, healthy=True) == ("NeedsUndo", "end-not-heard")
    to_undo = deployed()["Mappings"]["Shared"]["Text"]["ToUndo"]
    done = [{"acted": True, "step": {"on_failure": "undo"}}]
    found = [
        evaluated(to_undo, answers=done, undone=[], failure={"code": code})
        for code in ("end-not-heard", "not-resolved")
    ]
    assert found == [None, done[0]]


@pytest.mark.parametrize("since_due", [5, END_HEARD + 1])
def test_what_is_heard_firing_after_it_was_due_has_not_helped(since_due: float) -> None:
    assert decided(since_due, healthy=True, heard=2) == ("NeedsUndo", "not-resolved")


def test_what_was_heard_firing_while_it_was_being_repaired_says_nothing_yet() -> None:
    assert decided(5, healthy=True, heard=-30) == ("WaitToVerifyAgain", "")


def test_a_sick_target_is_not_waited_for() -> None:
    assert decided(1, healthy=False) == ("NeedsUndo", "not-resolved")
    assert decided(1, healthy=False, resolved=True) == ("NeedsUndo", "target-unhealthy")


def test_the_next_rung_waits_for_news_as_well() -> None:
    assert decided(5, healthy=True, rungs=2) == ("WaitToVerifyAgain", "")
    assert decided(5, healthy=True, heard=2, rungs=2) == ("ExecuteAction", "")
    assert decided(5, healthy=False, rungs=2) == ("ExecuteAction", "")
    assert decided(END_HEARD + 1, healthy=True, rungs=2) == ("ExecuteAction", "")


def test_what_the_data_say_is_over_is_told_and_closed_without_its_being_heard() -> None:
    assert decided(-200, healthy=True, data="recovered") == ("TellEnd", "")
    assert decided(-200, healthy=True, data="recovered", resolved=True) == ("UpdateStatus", "")
    assert decided(-200, healthy=False, data="recovered") == ("WaitToVerifyAgain", "")


@pytest.mark.parametrize("data", ["unknown", "recovering", "not-recovered"])
def test_the_rule_of_the_alert_only_adds_to_what_is_heard(data: str) -> None:
    assert decided(-200, healthy=True, data=data) == ("WaitToVerifyAgain", "")
    assert decided(-200, healthy=True, data=data, resolved=True) == ("UpdateStatus", "")


def test_what_prometheus_knows_to_be_firing_is_not_waited_for_and_undone() -> None:
    assert decided(1, healthy=True, data="not-recovered") == ("NeedsUndo", "not-resolved")
    assert decided(1, healthy=True, data="not-recovered", rungs=2) == ("ExecuteAction", "")
    assert decided(1, healthy=True, data="recovering") == ("WaitToVerifyAgain", "")
    assert decided(1, healthy=True, data="unknown") == ("WaitToVerifyAgain", "")
    assert decided(END_HEARD + 1, healthy=True, data="recovering") == ("NeedsUndo", "end-not-heard")


@pytest.mark.parametrize("data", ["not-recovered", "recovering"])
def test_the_query_of_a_runbook_has_the_last_word(data: str) -> None:
    def said(since_due: float) -> tuple[str, str]:
        return decided(since_due, healthy=True, data=data, by="promql", resolved=True)

    assert said(-200) == ("WaitToVerifyAgain", "")
    assert said(END_HEARD + 1) == ("NeedsUndo", "target-unhealthy")


def test_prometheus_that_cannot_be_asked_leaves_it_to_what_is_heard() -> None:
    assert decided(-200, healthy=True, by="promql", resolved=True) == ("UpdateStatus", "")
    assert decided(END_HEARD + 1, healthy=True, by="promql") == ("NeedsUndo", "end-not-heard")


@pytest.mark.parametrize("own_alert", [None, {"why_not": "it has no rule of the alert's name"}])
def test_a_target_from_whose_health_nothing_follows_yet_is_not_looked_at(own_alert: object) -> None:
    assert not looked_at(60, own_alert=own_alert)
    assert not looked_at(60, own_alert=own_alert, steps=[])


@pytest.mark.parametrize(
    "known",
    [
        {"alert_resolved": True},
        {"own_alert": {"rule": "r", "labels": {"alertname": "CheckoutDown"}}},
        {"steps": [{"verify": None}, {"verify": {"promql": "errors", "is": "below 1"}}]},
    ],
    ids=["its end was heard", "its rule is known", "the runbook has a query"],
)
def test_a_target_is_looked_at_as_soon_as_it_may_be_over(known: dict[str, object]) -> None:
    assert looked_at(60, **known)


def test_once_the_time_is_up_a_target_is_looked_at_in_any_case() -> None:
    assert looked_at(-1)
