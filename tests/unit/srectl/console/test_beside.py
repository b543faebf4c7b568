"""A timeline has what stands beside the record, and what both have once."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from srectl.console import beside, timeline
from srectl.operate.switch_history import MODE, RUNBOOK, WINDOW, Change
from srectl.operate.switches import Window
from srectl.operate.trust import Standing

BEGAN = datetime.datetime(2026, 11, 28, 3, tzinfo=datetime.UTC)
NOW = BEGAN + datetime.timedelta(hours=1)
LOCK = "sre-platform#apps#deployment#checkout"


def at(minutes: float) -> str:
    return f"{BEGAN + datetime.timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}.000Z"


def record(**changes: Any) -> dict[str, Any]:
    hand = {"runbook": "R", "locks": [f"target#{LOCK}"], "steps": []}
    return {
        "incident_id": "i",
        "timestamp": at(0),
        "status": "escalated",
        "in_hand": json.dumps(hand),
        **changes,
    }


def event(kind: str, minutes: float, **data: Any) -> dict[str, Any]:
    return {
        "detail-type": kind,
        "detail": {"metadata": {"occurred_at": at(minutes)}, "data": {"incident_id": "i", **data}},
    }


def told(known: dict[str, Any], *heard: dict[str, Any]) -> list[tuple[str, Any]]:
    found = beside.of_audit(heard, timeline.events(known), known)
    return [(each["kind"], each["who"]) for each in found]


def test_who_had_it_before_is_told_from_the_audit_log_and_the_last_one_once() -> None:
    known = record(acknowledged_at=at(9), acknowledged_by="grace", released_at=at(6))
    assert told(
        known,
        event("incident.acknowledged", 2, by="ada"),
        event("incident.released", 3, by="ada"),
        event("incident.acknowledged", 5, by="bob"),
        event("incident.released", 6, by="bob"),
        event("incident.acknowledged", 9.05, by="grace"),
    ) == [("taken", "ada"), ("released", "ada"), ("taken", "bob")]


def test_why_somebody_had_it_before_is_told() -> None:
    heard = [event("incident.acknowledged", 2, by="ada", because="my deployment")]
    (taken,) = beside.of_audit(heard, timeline.events(record()), record())
    assert taken["words"] == "somebody has it in hand: my deployment"


def test_every_time_that_somebody_had_it_taken_back_is_told() -> None:
    known = record(undo_asked_at=at(9), undo_asked_by="grace")
    asked = (("ada", 5), ("grace", 9))
    heard = [event("incident.undo-asked", minutes, by=by) for by, minutes in asked]
    assert told(known, *heard) == [("undo asked", "ada")]


def test_what_people_and_the_pager_heard_is_told_and_what_the_record_says_is_not() -> None:
    known = record(escalated_at=at(4), actions_taken=[{"action_id": "a", "operation": "execute"}])
    known["actions_taken"][0]["started_at"] = at(1)
    heard = (
        event("incident.created", 0),
        event("incident.notified", 0.1, headline="CRIT apps/checkout"),
        event("action.completed", 1, action_id="a", operation="execute"),
        event("action.completed", 2, action_id="b", operation="undo", runbook="R"),
        event("action.completed", 3, action_id="c", operation="undo", status="failed"),
        event("incident.escalated", 4, reason="x"),
        event("incident.escalated", 30, reason="worse"),
        event("incident.paged", 31, action="trigger", level=2),
    )
    assert told(known, *heard) == [
        ("told", "platform"),
        ("undo", "R"),
        ("failed", None),
        ("escalated", "platform"),
        ("paged", "platform"),
    ]
    (*_, paged) = beside.of_audit(heard, timeline.events(known), known)
    assert paged["words"] == (
        "a call for the second contact is on the bus; it rings where that contact has a pager"
    )


@pytest.mark.parametrize(
    ("paged", "words"),
    [
        (
            {"action": "trigger", "severity": "warning"},
            "a call for the pager is on the bus; it rings where PagerSeverities names warning",
        ),
        ({"action": "acknowledge"}, "a pager that was called calls nobody else"),
        ({"action": "resolve"}, "a call of the pager, if there was one, ends"),
    ],
)
def test_what_is_on_the_bus_for_the_pager_is_not_taken_for_a_pager_that_rang(
    paged: dict[str, Any], words: str
) -> None:
    (told_of,) = beside.of_audit([event("incident.paged", 1, **paged)], [], record())
    assert told_of["words"] == words


def test_calls_that_end_are_no_pages_and_said_once_for_all_of_an_incident() -> None:
    ends = [event("incident.paged", 5, action="resolve", key=f"i-{key}") for key in range(4)]
    taken = event("incident.paged", 2, action="acknowledge")
    later = event("incident.paged", 9, action="resolve")
    found = told(record(), event("incident.paged", 1, action="trigger"), taken, *ends, later)
    assert [kind for kind, _ in found] == ["paged", "page taken", "page ended", "page ended"]


def test_a_page_that_is_held_back_is_told_with_its_time() -> None:
    held = event("incident.page-held", 1, until=at(6))
    (waits,) = beside.of_audit([held], [], record(status="open"))
    assert (waits["kind"], waits["who"]) == ("page held", "platform")
    assert waits["words"] == (
        f"the call for its beginning waits for the runbook's verdict, until {at(6)} at most"
    )
    (called,) = beside.of_audit([held], [], record(escalated_at=at(0.5)))
    assert "by then a human had been called for already" in called["words"]


def test_what_is_no_event_of_the_platform_is_left_out() -> None:
    odd: list[Any] = [{}, {"detail": 7}, {"detail-type": "incident.paged", "detail": {"data": []}}]
    assert [each["kind"] for each in timeline.in_order(beside.of_audit(odd, [], record()))] == []


def change(minutes: float, kind: str, about: str, value: str, **more: Any) -> Change:
    return Change(BEGAN + datetime.timedelta(minutes=minutes), "ada", kind, about, value, **more)


def touched(known: dict[str, Any], *found: Change) -> list[str]:
    return [each["words"] for each in beside.of_switches(found, known, "R", NOW)]


def test_switches_that_were_thrown_while_it_lasted_and_those_that_held_are_told() -> None:
    known = record(status="resolved", resolved_at=at(20))
    assert touched(
        known,
        change(-90, MODE, "", "off", before="on"),
        change(-60, RUNBOOK, "R", "on"),
        change(-60, RUNBOOK, "Other", "observe"),
        change(5, RUNBOOK, "R", "observe"),
        change(6, RUNBOOK, "Other", "on"),
        change(10, MODE, "", "on", before="off"),
        change(30, MODE, "", "off", before="on"),
    ) == [
        "automatic remediation is off (was on); it held already when this began",
        "runbook R is observe",
        "automatic remediation is on (was off)",
    ]


def test_windows_of_its_target_and_of_everything_concern_it() -> None:
    hour = datetime.timedelta(hours=1)
    windows = [Window(BEGAN - hour, BEGAN + hour, each, each) for each in ("apps/checkout", "b/c")]
    windows.append(Window(BEGAN - hour, BEGAN + hour, "all"))
    found = [change(-60, WINDOW, each.target, "added", window=each) for each in windows]
    said = touched(record(), *found)
    assert [each.rpartition(": ")[2].partition(";")[0] for each in said] == ["apps/checkout", "all"]


def test_who_trusted_its_runbook_again_since_it_began_is_told() -> None:
    def trusted(runbook: str, minutes: float) -> Standing:
        given = {"by": "ada", "at": at(minutes), "incidents": 3}
        return Standing(runbook, LOCK, (), given)

    standings = [trusted("R", 5), trusted("R", -5), trusted("Other", 5), Standing("R", LOCK)]
    (one,) = beside.of_trust(standings, record(), "R")
    assert (one["kind"], one["who"]) == ("trusted", "ada")
    assert "apps/deployment/checkout again, after 3" in one["words"]


def test_children_are_in_the_timeline_and_other_kin_is_not() -> None:
    kin = [{"incident_id": each, "timestamp": at(1), "alert_name": each} for each in ("c", "d")]
    (one,) = beside.of_kin(kin, record(children={"c"}))
    assert (one["kind"], one["kin"]) == ("child", "c")


def test_that_a_target_was_silenced_is_told_with_who_did_it() -> None:
    silenced = {"silenced_target": "apps/checkout", "silenced_until": at(60)}
    because = {"silenced_because": "silenced in Slack by ada"}
    found = timeline.events(record(**silenced, **because, silenced_at=at(2)))
    (one,) = [each for each in found if each["kind"] == "silenced"]
    assert one["at"] == at(2)
    assert one["words"].startswith("runbooks leave apps/checkout alone until")
    assert one["words"].endswith(": silenced in Slack by ada")
    # One from before that was noted stands where it ends.
    (old,) = [
        each for each in timeline.events(record(**silenced, **because)) if "sil" in each["kind"]
    ]
    assert old["at"] == at(60)
