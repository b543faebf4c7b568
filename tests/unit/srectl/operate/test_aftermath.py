"""What a remediation that has ended left is said as it is: by stop, show, undo and close."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from srectl.console import timeline as console
from srectl.operate import aftermath, leftovers, undoing
from srectl.operate.account import Account
from srectl.operate.announcing import stamp
from srectl.postmortem.sources import Story
from srectl.postmortem.timeline import timeline

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
AT = "2026-11-23T15:20:00Z"
TARGET = {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "checkout"}
STEP = {"index": 1, "action": "enable_degraded_mode", "target": TARGET, "lends": True}
IN_HAND = json.dumps({"runbook": "R", "of": 1, "locks": ["target#a"], "steps": [STEP]})
ASKED = {"requested_at": AT, "step": 1}
DONE = {
    "operation": "execute",
    "action": "enable_degraded_mode",
    "status": "succeeded",
    "step": {"index": 1},
    "started_at": AT,
    "result": {"undo": {"action": "disable_degraded_mode"}},
}
DENIED = {
    **DONE,
    "status": "skipped",
    "error": {"name": "ApprovalDenied", "message": "ada: too risky"},
    "result": {"plan": [{"kind": "Deployment", "name": "c", "field": "f", "from": 1, "to": 2}]},
}
NOTES = json.dumps({**json.loads(IN_HAND), "begins": "arn:1"})
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, "it had nothing in hand yet"),
        ({"attached_to": "another"}, "it had only joined the remediation of incident another"),
        ({"in_hand": IN_HAND, "approval": ASKED}, "it only waited for an answer"),
        ({"in_hand": NOTES}, "it had not begun to act"),
        ({"in_hand": NOTES, "begun": "arn:earlier"}, "it had not begun to act"),
        # Whatever is not certain may have been changed.
        ({"in_hand": IN_HAND}, ""),
        ({"in_hand": NOTES, "begun": "arn:1"}, ""),
        ({"in_hand": NOTES, "actions_taken": [DONE]}, ""),
        ({"in_hand": IN_HAND, "approval": {**ASKED, "answer": "approved"}}, ""),
        ({"in_hand": IN_HAND, "approval": {**ASKED, "step": 2}}, ""),
        ({"in_hand": IN_HAND, "approval": ASKED, "actions_taken": [DONE]}, ""),
    ],
)
def test_nothing_was_changed_only_where_the_record_knows_it(
    record: dict[str, Any], said: str
) -> None:
    assert aftermath.untouched(record) == said


@pytest.mark.parametrize(
    ("more", "many"),
    [
        ({}, 0),
        ({"begun": "arn:earlier"}, 0),
        ({"actions_taken": [DENIED]}, 0),
        ({"begun": "arn:1"}, 1),
        ({"actions_taken": [DONE]}, 1),
    ],
)
def test_of_one_that_had_not_begun_nothing_is_left(more: dict[str, Any], many: int) -> None:
    assert len(leftovers.left({"in_hand": NOTES, **more})) == many


def test_one_that_was_stopped_before_it_had_begun_leaves_nothing_to_type(
    put_incident: Put, srectl: Run
) -> None:
    put_incident(in_hand=NOTES, escalation_code="runbook-abandoned", status="escalated")
    shown = srectl("show", ID).output
    assert "nothing was changed: its runbook had not begun to act" in shown
    assert "undo" not in shown
    assert "nothing is left to be taken back" in srectl("undo", ID, "--yes").output


def test_what_was_denied_is_not_left_to_be_taken_back() -> None:
    assert leftovers.left({"in_hand": IN_HAND, "actions_taken": [DENIED]}) == []
    refused = {**DENIED, "status": "failed", "error": {"name": "ActionRefused", "message": "no"}}
    assert leftovers.left({"in_hand": IN_HAND, "actions_taken": [refused]}) == []
    halfway = {**refused, "error": {"name": "RefusedHalfway", "message": "no"}}
    assert len(leftovers.left({"in_hand": IN_HAND, "actions_taken": [halfway]})) == 1
    assert len(leftovers.left({"in_hand": IN_HAND, "actions_taken": [DENIED, DONE]})) == 1


def test_a_denied_step_is_shown_as_that(put_incident: Put, srectl: Run) -> None:
    put_incident(in_hand=IN_HAND, actions_taken=[DENIED])
    shown = srectl("show", ID).output
    assert "denied, nothing was changed" in shown
    assert "it would have changed: Deployment c: f 1 → 2" in shown
    assert "✓" not in shown
    record = {"timestamp": AT, "actions_taken": [DENIED]}
    (event,) = [each for each in console.events(record) if each.get("action")]
    assert (event["kind"], event["status"]) == ("denied", "nothing was changed")


def test_undo_of_what_only_waited_says_that_nothing_was_changed(
    put_incident: Put, srectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_incident(in_hand=IN_HAND, approval=ASKED, escalation_code="runbook-abandoned")
    shown = srectl("show", ID).output
    assert "by its record nothing was changed: it only waited for an answer" in shown
    assert "half-changed" not in shown
    put_incident(in_hand=IN_HAND, approval=ASKED, restoration="restored")
    monkeypatch.setattr(undoing, "start", lambda *_: undoing.Begun("arn", [], "x", AT))
    monkeypatch.setattr(undoing, "wait", lambda *_: "")
    said = " ".join(srectl("undo", ID, "--yes").output.split())
    assert "by its record nothing had been changed" in said
    assert "what was done" not in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"escalation_code": "runbook-abandoned"}, "'srectl undo 0f3c0c0e' takes it back"),
        ({"escalation_code": "end-not-heard"}, "it is taken back once things have been quiet"),
    ],
)
def test_a_close_says_what_still_stands(
    put_incident: Put, srectl: Run, account: Account, more: dict[str, str], said: str
) -> None:
    account.events.create_event_bus(Name=account.bus)
    put_incident(status="escalated", in_hand=IN_HAND, actions_taken=[DONE], **more)
    told = " ".join(srectl("close", ID, "--reason", "rolled back").output.split())
    assert "still changed: 1. enable_degraded_mode on c/apps/deployment/checkout" in told
    assert said in told


def test_a_close_says_what_becomes_of_an_alert_that_still_fires(
    put_incident: Put, srectl: Run, account: Account
) -> None:
    account.events.create_event_bus(Name=account.bus)
    still_fires = "still fires, as far as anybody has heard"
    put_incident(status="escalated")
    told = " ".join(srectl("close", ID, "--reason", "rolled back").output.split())
    assert f"{still_fires}: while this firing goes on nobody hears of it again" in told
    assert "one that begins after now is a new incident" in told
    put_incident(status="escalated", resolved_at=1795447100)
    assert still_fires not in srectl("close", ID, "--reason", "rolled back").output


def test_what_a_human_closed_did_not_end_by_itself() -> None:
    closed = {"timestamp": AT, "closed_at": AT, "closed_by": "ada", "closed_reason": "settled"}
    by_hand = {**closed, "resolved_at": 1795447200}
    heard = {**closed, "resolved_at": 1795447100}

    def told(record: dict[str, Any]) -> list[str]:
        return [each.text for each in timeline(Story(record))]

    said = "ada closed it: settled (no end of the alert had been heard)"
    assert said in told(by_hand)
    assert not any("The alert ended" in each for each in told(by_hand))
    assert {"The alert ended.", "ada closed it: settled"} <= {*told(heard)}
    assert [each["kind"] for each in console.events(by_hand)] == ["began", "closed"]
    assert {each["kind"] for each in console.events(heard)} == {"began", "ended", "closed"}


def test_an_end_that_was_heard_after_somebody_had_closed_it_stands_beside_that(
    put_incident: Put, srectl: Run
) -> None:
    closed = {"closed_at": AT, "closed_by": "ada", "closed_reason": "settled", "mttr_seconds": 23}
    late = {"resolved_at": 1795447200, "alert_ended_at": 1795447300}
    record = {"timestamp": AT, **closed, **late}
    said = [each.text for each in timeline(Story(record))]
    assert said[-1] == "Its alert ended, after it had been closed."
    last = console.events(record)[-1]
    assert (last["kind"], last["words"]) == ("ended", "its alert ended, after it had been closed")
    put_incident(status="resolved", **closed, **late)
    shown = srectl("show", ID).output
    assert "alert ended 2026-11-23 15:21:40 UTC, after it had been closed" in shown
    assert "MTTR        0:00:23" in shown
    # Of what ended by itself there is one end.
    put_incident(status="resolved", resolved_at=1795447200, alert_ended_at=1795447200)
    assert "alert ended" not in srectl("show", ID).output


HEALTHY = {"verified_at": AT}
STOPPED = {"status": "escalated", "in_flight": "arn:1", "abandoned": "arn:1"}
UNHEARD = {"status": "escalated", "escalation_code": "end-not-heard"}
FAILED = {**DONE, "operation": "restore", "status": "failed"}
NOBODY = (False, "nobody brings it back by itself: 'srectl undo 0f3c0c0e' does")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"status": "resolved", **HEALTHY}, (True, "back once things have been quiet for a while")),
        (
            {"status": "remediating"},
            (True, "back with its incident's end, and what its runbook says of the time after"),
        ),
        (
            UNHEARD,
            (True, "back once its alert's end is heard and things have been quiet for a while"),
        ),
        ({**UNHEARD, "status": "resolved"}, (True, "back once things have been quiet for a while")),
        # Stopped by a human, whether its alert has ended by now or not; or it did not help.
        (STOPPED, NOBODY),
        ({**STOPPED, "status": "resolved"}, NOBODY),
        ({"status": "escalated", "escalation_code": "target-unhealthy"}, NOBODY),
        ({"status": "resolved", **HEALTHY, "actions_taken": [DONE, FAILED]}, NOBODY),
        (
            {"status": "resolved", "restoration": "not restored: the alert came back"},
            (False, "noted of it: not restored: the alert came back"),
        ),
    ],
)
def test_what_becomes_of_what_is_lent_is_said_as_it_is(
    record: dict[str, Any], said: tuple[bool, str]
) -> None:
    known = {"incident_id": ID, "in_hand": IN_HAND, "actions_taken": [DONE], **record}
    assert aftermath.return_of(known, [STEP]) == said


def test_who_has_asked_for_it_back_is_said_until_that_is_over() -> None:
    known = {"incident_id": ID, "in_hand": IN_HAND, "actions_taken": [DONE], **STOPPED}
    asked = {
        "undo_asked_by": "ada",
        "undo_asked_at": AT,
        "undo_asked_of": leftovers.state_of(known),
    }
    assert aftermath.return_of({**known, **asked}, [STEP]) == (
        False,
        "ada asked for it back at 2026-11-23T15:20:00Z: 'srectl undo 0f3c0c0e' tells how far it is",
    )
    # One attempt has failed: something else is left.
    known["actions_taken"] = [DONE, {**FAILED, "action_id": "x"}]
    assert aftermath.return_of({**known, **asked}, [STEP]) == NOBODY


def test_the_next_shift_hears_that_nobody_brings_back_what_a_stopped_runbook_lent(
    put_incident: Put, srectl: Run
) -> None:
    now = stamp(datetime.datetime.now(datetime.UTC))
    lent = {"in_hand": IN_HAND, "actions_taken": [DONE], "lent_until": now, "timestamp": now}
    put_incident(**lent, **STOPPED)
    told = " ".join(srectl("handover").output.split())
    assert f"1. enable_degraded_mode; {NOBODY[1]}" in told
    assert "quiet" not in told
    (page,) = json.loads(srectl("handover", "--json").output)["lent"]
    assert (page["by_itself"], page["not_before"]) == (False, None)
