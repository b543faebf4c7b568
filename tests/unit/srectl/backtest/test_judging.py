"""What a catalogue would have done for incidents of the past, and what would have stopped it."""

from __future__ import annotations

from typing import Any

import pytest

from srectl.backtest.judging import Verdict, judge
from srectl.operate.plans import Limits, decide
from tests.unit.srectl.backtest.past import (
    APPS,
    at,
    catalogue,
    denied,
    incident,
    remedied,
    runbook,
    stopped,
    unhelped,
)


def verdicts(
    records: list[dict[str, Any]], *runbooks: dict[str, Any], **limits: Any
) -> list[Verdict]:
    found = judge(records, catalogue(*(runbooks or (runbook(),))), Limits(), **limits)
    return [found[each["incident_id"]] for each in records]


def told(records: list[dict[str, Any]], *runbooks: dict[str, Any], **limits: Any) -> list[str]:
    return [f"{each.kind} {each.why}".strip() for each in verdicts(records, *runbooks, **limits)]


def test_it_selects_what_the_alert_selects_and_shows_the_steps() -> None:
    (verdict,) = verdicts([incident(0)])
    assert (verdict.kind, verdict.runbook) == ("acts", "Sick")
    assert verdict.steps == ("restart_workload deployment apps/checkout",)
    assert str(verdict) == "acts Sick: restart_workload deployment apps/checkout"
    (by_label,) = verdicts([incident(0, "Other", runbook="Sick")])
    assert by_label.runbook == "Sick"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"alert_name": "Unknown"}, "no runbook named Unknown is in the catalogue"),
        ({"severity": "warning"}, "runbook Sick is not for severity warning"),
        ({"severity": "info"}, "severity info is not eligible"),
        ({"escalation_code": "notice"}, "it is a notice"),
        ({"labels": {"namespace": "shop", "deployment": "checkout"}}, "shop"),
    ],
)
def test_what_is_refused_is_refused_by_the_one_selection(changes: dict[str, Any], why: str) -> None:
    record = incident(0, **changes)
    (verdict,) = verdicts([record])
    assert verdict.kind == "nothing"
    assert why in verdict.why
    # The very judgement of 'srectl runbooks plan'.
    alert = {**record, "status": "firing", "notice": "escalation_code" in changes}
    assert verdict.why == "; ".join(decide(alert, catalogue(runbook()), Limits()).refusals)


def test_an_alert_with_evidence_only_and_a_runbook_that_observes() -> None:
    only = {"Sick": {"evidence_only": "nothing would help"}}
    record = incident(0)
    found = judge([record], only, Limits())[record["incident_id"]]
    assert (found.kind, found.why) == ("nothing", "evidence only: nothing would help")
    assert told([record], runbook(mode="observe")) == ["observes"]
    assert told([record], runbook(approval={"required": True})) == ["asks"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"escalation_code": "flood"}, "flood"),
        ({"escalation_code": "maintenance"}, "maintenance window"),
        ({"escalation_code": "switched-off"}, "switched off"),
        ({"caused_by": "another"}, "hangs on another incident"),
    ],
)
def test_what_stopped_every_runbook_then_stops_this_one_too(
    changes: dict[str, Any], why: str
) -> None:
    assert told([incident(0, **changes)]) == [f"stopped {why}"]


def test_what_was_let_go_by_its_cause_is_acted_on() -> None:
    assert told([incident(0, caused_by="another", let_go_at=at(1))]) == ["acts"]


def test_the_guards_of_a_target_are_played_on_what_this_catalogue_did() -> None:
    records = [incident(each) for each in (0, 0.5, 2, 4, 6, 60 * 5)]
    guard = {"cooldown_seconds": 60, "max_actions": 2, "window_seconds": 3600}
    assert told(records, runbook(guard=guard)) == [
        "acts",
        "stopped joins the remediation under way",
        "acts",
        "stopped loop breaker",
        "stopped loop breaker",
        "acts",
    ]
    guard = {"cooldown_seconds": 150, "max_actions": 5, "window_seconds": 3600}
    assert told(records, runbook(guard=guard))[2:4] == ["stopped cooldown", "acts"]
    guard["cooldown_seconds"] = 90  # from its end, a minute after it began
    assert told(records, runbook(guard=guard))[2:4] == ["stopped cooldown", "acts"]
    guard["window_seconds"] = 60  # that of the loop breaker alone
    assert told(records, runbook(guard=guard))[2:4] == ["stopped cooldown", "acts"]


def test_another_target_has_guards_of_its_own() -> None:
    target = {**APPS, "name": "basket"}
    labels = {"namespace": "apps", "deployment": "basket"}
    other = runbook("Basket", target={**runbook()["target"], "name": "basket"})
    records = [incident(0), incident(0.1, "Basket", target=target, labels=labels)]
    assert told(records, runbook(), other) == ["acts", "acts"]


def test_a_target_of_the_alert_is_told_from_another_by_the_alert() -> None:
    within = runbook(target={"from_alert": "deployment", "namespaces": ["apps"], "names": ["*"]})
    target = {**APPS, "name": "basket"}
    labels = {"namespace": "apps", "deployment": "basket"}
    records = [incident(0), incident(0.1, target=target, labels=labels), incident(0.2)]
    assert told(records, within) == ["acts", "acts", "stopped joins the remediation under way"]


def test_records_in_any_order_are_judged_as_they_came() -> None:
    records = [incident(0.5), incident(0)]
    assert told(records) == ["stopped joins the remediation under way", "acts"]


def test_the_plan_is_what_was_really_planned_and_only_of_the_same_runbook() -> None:
    (same,) = verdicts([remedied(0)])
    assert [(each["field"], each["from"], each["to"]) for each in same.plan] == [("f", 1, 2)]
    (other,) = verdicts([remedied(0, "Another")])
    assert other.plan == ()


def test_what_really_did_not_help_three_times_makes_the_same_runbook_ask() -> None:
    records = [*(unhelped(each) for each in (0, 10, 20, 30)), remedied(40), remedied(50)]
    why = "it did not help"
    assert told(records) == [
        *("acts", "acts", "acts"),
        *(f"asks {why} 3 times in a row", f"asks {why} 4 times in a row"),
        "acts",
    ]
    assert set(told(records, ask_after=0)) == {"acts"}


def test_an_end_that_nobody_told_counts_neither_way() -> None:
    silent = {**unhelped(25), "escalation_code": "end-not-heard"}
    records = [unhelped(0), unhelped(10), silent, unhelped(30), unhelped(40)]
    assert told(records)[:4] == ["acts"] * 4
    assert told(records)[4].startswith("asks")


def test_of_another_runbook_nobody_knows_whether_it_would_have_helped() -> None:
    records = [
        {**each, "alert_name": "Other"} for each in (unhelped(0), unhelped(10), unhelped(20))
    ]
    assert set(told([*records, incident(30, "Other")], runbook("Other"))) == {"acts"}


ONCE = {"cooldown_seconds": 300, "max_actions": 1, "window_seconds": 3600}
UNANSWERED = {**denied(0), "actions_taken": [], "escalation_code": "approval-timeout"}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (denied(0), "asks"),
        (UNANSWERED, "asks"),
        (stopped(0, begun=False), "asks"),
        # Nobody knows what it did.
        (stopped(0, begun=True), "stopped loop breaker"),
        ({**stopped(0, begun=False), "in_hand": unhelped(0)["in_hand"]}, "stopped loop breaker"),
        # One step was done, the next one denied.
        (
            {
                **denied(0),
                "actions_taken": [*remedied(0)["actions_taken"], *denied(0)["actions_taken"]],
            },
            "stopped loop breaker",
        ),
        # Of another runbook's no nothing is known.
        ({**denied(0), "in_hand": remedied(0, "Another")["in_hand"]}, "stopped loop breaker"),
    ],
    ids=["denied", "unanswered", "not begun", "begun", "not noted", "one done", "another's"],
)
def test_what_had_not_begun_to_act_is_no_attempt(first: dict[str, Any], then: str) -> None:
    asking = runbook(guard=ONCE, approval={"required": True})
    assert told([first, incident(2)], asking) == ["asks", then]
    # A catalogue that asks nobody is told no by nobody.
    assert told([first, incident(2)], runbook(guard=ONCE)) == ["acts", "stopped loop breaker"]


def test_a_question_holds_its_targets_until_it_is_answered() -> None:
    asking = runbook(guard=ONCE, approval={"required": True})
    assert told([denied(0), incident(0.5)], asking)[1] == "stopped joins the remediation under way"
