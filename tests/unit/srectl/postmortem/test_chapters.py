"""A post-mortem says what the records say, names them, and asks what they do not say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from srectl.postmortem.chapters import chapters
from srectl.postmortem.sources import Story
from tests.unit.srectl.postmortem.example import TARGET, evidence, notified, record


def told(story: Story) -> dict[str, list[str]]:
    return {title: [each.text for each in found] for title, found in chapters(story).items()}


def test_a_rollback_is_told_from_its_rollout_to_its_end() -> None:
    story = told(Story(record(), evidence(), [notified()]))
    assert story["Summary"] == [
        "KubePodCrashLooping (warning) rang for deployment apps/parcels in cluster prod: "
        "A container crashes again and again",
        "It lasted 26 s from its start to its end.",
        "The automation closed it; no human was asked to take over.",
    ]
    assert story["Timeline"] == [
        "Revision 2 came, with parcels:1.4.3.",
        "The alert KubePodCrashLooping began (warning).",
        "The platform took it in from alertmanager.",
        "Runbook RollBackYoungRollout began to execute rollback_workload on deployment "
        "apps/parcels (step 1 of 1).",
        "Evidence was on the record: 1 finding.",
        "People were told: WARN apps/parcels: crashes",
        "Execute rollback_workload on deployment apps/parcels (step 1 of 1) succeeded: Revision 2 "
        "was replaced by the template of revision 1.",
        "The alert ended.",
        "The target was looked at: deployment apps/parcels is healthy: 2 of 2 replicas are ready.",
    ]
    assert (
        "Step 1 was to be taken if last_rollout_age_seconds was below 7200."
        in (story["What the automation did, and why"])
    )
    assert story["Contributing changes"] == [
        "The last rollout came 63 s before the alert, by kubectl.",
        "It changed image of container parcels from parcels:1.4.2 to parcels:1.4.3.",
    ]


@pytest.mark.parametrize(
    ("operation", "status", "begins"),
    [
        ("execute", "succeeded", "It changed image"),
        ("plan", "succeeded", "Its plan was to change image"),
        ("execute", "failed", "Its plan was to change image"),
        ("execute", "skipped", "Its plan was to change image"),
    ],
)
def test_only_what_was_done_is_told_as_a_change(operation: str, status: str, begins: str) -> None:
    (action,) = record()["actions_taken"]
    action |= {"operation": operation, "status": status}
    did = told(Story(record(actions_taken=[action])))["What the automation did, and why"]
    assert [each.startswith(begins) for each in did if "change" in each] == [True]


def test_the_last_words_of_what_ended_are_evidence() -> None:
    logs = [
        {"pod": "p", "container": "c", "run": "ended", "lines": ["starting", "no such file"]},
        {"pod": "p", "container": "c", "run": "current", "lines": ["starting"]},
    ]
    story = told(Story(record(), evidence(logs={"logs": logs})))
    assert story["Evidence"][1:] == [
        "The last line of container c of pod p before it ended: no such file"
    ]


def act(kind: str, second: float, **data: Any) -> dict[str, Any]:
    at = f"2026-11-28T06:43:{second:06.3f}Z"
    metadata = {"event_id": "e", "occurred_at": at}
    return {"detail-type": kind, "detail": {"metadata": metadata, "data": data}}


def test_each_who_had_it_is_told_with_the_reason_and_the_last_of_them_once() -> None:
    """The record has the last, the audit log all of them."""
    last = {
        "acknowledged_by": "grace",
        "acknowledged_at": "2026-11-28T06:43:40.000Z",
        "acknowledged_because": "it is the database",
        "released_by": "ada",
        "released_at": "2026-11-28T06:43:20.000Z",
        "undo_asked_by": "grace",
        "undo_asked_at": "2026-11-28T06:43:50.000Z",
    }
    events = [
        act("incident.acknowledged", 10, by="ada", because="my deployment"),
        act("incident.released", 20, by="ada"),
        act("incident.acknowledged", 40.9, by="grace", because="it is the database"),
        act("incident.undo-asked", 44, by="bob"),
        act("incident.undo-asked", 50, by="grace"),
    ]
    found = chapters(Story(record(**last), events=events))["Timeline"]
    people = ("ada", "grace", "bob")
    assert [(each.text, each.source) for each in found if each.text.startswith(people)] == [
        ("ada took it: my deployment.", "audit log: incident.acknowledged e"),
        ("ada gave it back.", "record: released_at"),
        ("grace took it: it is the database.", "record: acknowledged_at"),
        ("bob had what the runbook did taken back.", "audit log: incident.undo-asked e"),
        ("grace had what the runbook did taken back.", "record: undo_asked_at"),
    ]


def test_why_a_target_was_to_be_left_alone_is_told() -> None:
    silence = {
        "silenced_target": "apps/parcels",
        "silenced_at": "2026-11-28T06:43:00Z",
        "silenced_until": "2026-11-28T07:43:00Z",
        "silenced_because": "ada in Slack",
    }
    assert (
        "Runbooks were to leave apps/parcels alone until 2026-11-28T07:43:00Z: ada in Slack"
        in told(Story(record(**silence)))["Timeline"]
    )


def test_what_no_record_says_is_asked() -> None:
    asked = told(Story(record(), missing={"audit log": "AccessDenied"}))["Open questions"]
    assert asked == [
        "The audit log could not be read: AccessDenied",
        "What does logs say? It could not be read: AccessDenied: 403",
        "How many requests or users were concerned? It was not measured: no Prometheus was asked.",
    ]


def test_the_impact_is_what_was_measured() -> None:
    numbers = {"query": "errors / all", "lowest": 0, "highest": 0.475, "firing_beside": ["Slow"]}
    story = told(Story(record(), evidence(measurements={"numbers": numbers})))
    assert story["Impact"] == [
        "The number that the alert is about, errors / all, lay between 0 and 0.475 from half an "
        "hour before the alert until its evidence was collected.",
        "Firing beside it: Slow.",
    ]
    assert not any("not measured" in each for each in story["Open questions"])


def test_a_number_that_never_moved_lay_between_nothing() -> None:
    numbers = {"query": "crashes", "lowest": 1, "highest": 1}
    pods = {"pods": 3, "restarts": 4, "worst": [{"ready": False}, {"ready": True}]}
    story = told(Story(record(), evidence(measurements={"numbers": numbers}, ends=pods)))
    assert story["Impact"] == [
        "The number that the alert is about, crashes, was 1 wherever there was one, from half an "
        "hour before the alert until its evidence was collected.",
        "Pods: 3; not ready of the 2 that were looked at: 1; restarts of containers: 4.",
    ]


@pytest.mark.parametrize(
    ("changes", "question"),
    [
        ({"status": "escalated", "mttr_seconds": None}, "How does it end? It is not over yet."),
        (
            {"escalated_at": "2026-11-28T06:50:00Z", "escalation_reason": "it did not help"},
            "What did the human do? Nobody wrote down how it was settled.",
        ),
        (
            {"warnings": ["its start lay in the future"]},
            "An assumption was made about the alert: its start lay in the future",
        ),
        ({"escalated_at": "2026-11-28T06:50:00Z"}, "Who took it? Nobody acknowledged it."),
        (
            {"escalated_at": "2026-11-28T06:50:00Z", "released_by": "ada"},
            "Who took it after ada had given it back? Nobody did.",
        ),
    ],
)
def test_what_is_open_is_asked(changes: dict[str, Any], question: str) -> None:
    assert question in told(Story(record(**changes)))["Open questions"]


def test_an_alert_that_comes_back_is_asked_about() -> None:
    earlier = record(incident_id="0" * 8, timestamp="2026-11-27T00:00:00Z")
    story = told(Story(record(), related=[("earlier", earlier)]))
    assert story["Related incidents"] == [
        "The same alert rang before: incident 00000000 "
        "(KubePodCrashLooping, resolved, 2026-11-27T00:00:00Z)."
    ]
    assert any("rang 1 times before" in each for each in story["Open questions"])
    story = told(Story(record(), related=[("earlier", earlier)] * 10))
    assert any("rang at least 10 times before" in each for each in story["Open questions"])


def test_that_more_hung_on_it_than_are_named_is_said() -> None:
    children = {f"{number}" for number in range(12)}
    named = [("child", {"incident_id": each}) for each in sorted(children)[:10]]
    story = told(Story(record(children=children), related=named))
    assert story["Related incidents"][-1] == "2 more hung on it, which are not named here."


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"escalated_at": "2026-11-28T06:50:00Z", "escalation_reason": "x", "status": "escalated"},
        {"closed_by": "ada", "closed_reason": "y", "closed_at": "2026-11-28T07:00:00Z"},
        {"children": ["a"], "risen_at": "2026-11-28T06:43:00Z", "restoration": "restored"},
        {
            "approval": {
                "requested_at": "2026-11-28T06:43:00Z",
                "answered_at": "2026-11-28T06:44:00Z",
                "answer": "approved",
                "answered_by": "ada",
            }
        },
    ],
)
def test_each_sentence_names_what_is_there(changes: dict[str, Any]) -> None:
    """Nothing invented: what a sentence names is in the record, the evidence or the audit log."""
    story = Story(record(**changes), evidence(), [notified()])
    sentences = [each for found in chapters(story).values() for each in found]
    assert len(sentences) > 10
    for each in sentences:
        house, _, names = each.source.partition(": ")
        for name in names.split(", "):
            if name.startswith("no "):
                assert not story.record.get(name.removeprefix("no ")), each
            elif house == "record":
                assert story.record.get(re.split(r"[.\[]", name)[0]), each
            elif house == "evidence" and "not measured" not in each.text:
                assert story.evidence["facts"][name], each
            elif house == "audit log":
                assert name == "incident.notified afb1c251", each


def test_a_record_that_says_next_to_nothing_is_told_all_the_same() -> None:
    bare = {"incident_id": "x", "timestamp": "2026-11-28T06:42:19Z", "status": "open"}
    assert told(Story(bare))["Timeline"][0].startswith("The alert None began")


def test_whom_it_was_told_to_because_nobody_had_taken_it_stands_in_the_timeline() -> None:
    at = "2026-11-28T06:42:40.000Z"
    climbed = [{"level": 2, "at": at, "since": at, "to": "second contact (e-mail)"}]
    story = told(Story(record(climbed=climbed), {}, []))
    words = "Nobody had taken it, so the second contact (e-mail) was told (level 2)."
    assert words in story["Timeline"]


def test_a_page_that_was_held_back_stands_in_the_timeline_with_its_time() -> None:
    held = notified()
    held["detail-type"] = "incident.page-held"
    held["detail"]["data"] = {"incident_id": record()["incident_id"], "until": "06:57"}
    words = "The call for its beginning waits for the runbook's verdict, until 06:57 at most."
    assert words in told(Story(record(), {}, [held]))["Timeline"]
    # A human was called for it two seconds before that was said.
    escalated = record(escalated_at="2026-11-28T06:42:22.000Z", escalation_reason="x")
    words = (
        "The call for its beginning was to wait for the runbook's verdict; by then a human had "
        "been called for already."
    )
    assert words in told(Story(escalated, {}, [held]))["Timeline"]


def test_a_call_on_the_bus_is_not_taken_for_a_pager_that_rang() -> None:
    paged = notified()
    paged["detail-type"] = "incident.paged"
    paged["detail"]["data"] = {"action": "trigger", "key": "k", "severity": "warning"}
    words = (
        "A call for the pager is on the bus; it rings where PagerSeverities names warning (key k)."
    )
    assert words in told(Story(record(), {}, [paged]))["Timeline"]


def test_what_was_not_there_before_a_change_was_nothing() -> None:
    [action] = record()["actions_taken"]
    change = {"kind": "Node", "name": "n", "field": "spec.taints", "from": None, "to": "x"}
    action["result"]["plan"] = [change, {**change, "from": "x", "to": None}]
    story = told(Story(record(actions_taken=[action]), evidence(), [notified()]))
    said = story["What the automation did, and why"]
    assert "It changed spec.taints of Node n from nothing to x." in said
    assert "It changed spec.taints of Node n from x to nothing." in said
    assert not any("None" in each for each in said)


def test_a_restart_is_not_taken_for_the_last_rollout() -> None:
    kept = evidence()
    rollouts = kept["facts"]["rollouts"]
    again = {**rollouts["revisions"][0], "revision": 3, "made_at": "2026-11-28T06:42:09Z"}
    rollouts["revisions"].insert(0, again)
    story = told(Story(record(), kept, []))
    assert story["Contributing changes"][:2] == [
        "The last rollout that was no restart came 63 s before the alert, by kubectl.",
        "Revision 3 restarted it 10 s before the alert.",
    ]
    assert story["Timeline"][:2] == [
        "Revision 2 came, with parcels:1.4.3.",
        "Revision 3 came, a restart: nothing else of it was new.",
    ]


def test_a_version_that_pods_were_held_back_from_is_no_rollout() -> None:
    kept = evidence()
    rollouts = kept["facts"]["rollouts"]
    rollouts["staged"] = {
        "images": {"parcels": "parcels:1.4.3"},
        "held_back": "partition 2",
        "at": rollouts.pop("rolled_out_at"),
        "by": rollouts.pop("rolled_out_by"),
        "pods_that_run_it": 0,
        "pods": 2,
    }
    assert told(Story(record(), kept, []))["Contributing changes"][0] == (
        "A version was staged 63 s before the alert, by kubectl: 0 of 2 pods ran it (partition 2)."
    )


def lent(**changes: Any) -> dict[str, Any]:
    step = {"index": 1, "action": "enable_degraded_mode", "target": TARGET, "lends": True}
    taken = {"operation": "execute", "status": "succeeded", "step": step}
    hand = {"runbook": "R", "steps": [step]}
    return record(in_hand=json.dumps(hand), actions_taken=[taken], **changes)


def test_what_is_lent_is_said_to_stand_until_it_is_brought_back() -> None:
    title = "What the automation did, and why"
    words = (
        "enable_degraded_mode on deployment apps/parcels still stands: "
        "back once things have been quiet for a while."
    )
    assert words in told(Story(lent()))[title]
    back = told(Story(lent(restoration="restored: it is quiet")))[title]
    assert not [each for each in back if "still stands" in each]


def test_who_took_it_by_the_audit_log_is_not_nobody() -> None:
    called = {"escalated_at": "2026-11-28T06:50:00Z", "escalation_reason": "x"}
    took = act("incident.acknowledged", 10, by="ada")
    asked = told(Story(record(**called), events=[took]))["Open questions"]
    assert "Who has it? ada took it last by the audit log; its record names nobody." in asked
    assert not [each for each in asked if "Nobody acknowledged it" in each]
    assert "Who took it? Nobody acknowledged it." in told(Story(record(**called)))["Open questions"]
