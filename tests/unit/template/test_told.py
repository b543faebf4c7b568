"""What the notifier makes of a stopped runbook, of an alarm that is over, and of an end."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from srectl.project import PROJECT_ROOT
from tests.unit.template.telling import (
    ALARM,
    DATA,
    EXECUTION,
    INCIDENT,
    NOW,
    assigned,
    evaluated,
    read,
    states,
    told,
)


def stopped(input_: str | None) -> dict[str, Any]:
    detail = {"executionArn": EXECUTION, "name": "e-1", "status": "ABORTED", "input": input_}
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {**detail, "stateMachineArn": "arn"},
    }


def pages(variables: dict[str, Any]) -> list[tuple[str, str]]:
    details = [json.loads(entry["Detail"])["data"] for entry in variables["paged"]]
    return [(page["action"], page["key"]) for page in details]


def test_people_are_called_for_a_runbook_that_was_stopped_and_told_which() -> None:
    variables = read(stopped(json.dumps({"detail": {"metadata": {}, "data": DATA}})))
    assert (variables["kind"], variables["told_as"]) == ("incident.escalated", "told_abandoned")
    variables = told(variables)
    assert variables["headline"] == "NEEDS YOU apps/checkout: its runbook was stopped"
    assert variables["doing"].startswith("Its runbook ended as ABORTED")
    body = json.loads(json.loads(variables["message"])["default"])
    assert body["reason_code"] == "runbook-stopped"
    assert EXECUTION in variables["doing"]
    assert f"srectl incidents show {INCIDENT}" in variables["doing"]
    assert json.loads(json.loads(variables["message"])["default"])["severity"] == "warning"
    assert pages(variables) == [("trigger", f"{INCIDENT}-human")]


def test_people_are_called_where_the_history_is_not_told() -> None:
    """AWS leaves the input of an encrypted history out."""
    variables = told(read(stopped(None)))
    assert variables["data"]["severity"] == "critical"
    assert "srectl incidents list --status escalated" in variables["doing"]
    for entry in (variables["notified"], *variables["paged"]):
        assert json.loads(entry["Detail"])["data"]["incident_id"] is None


def test_a_canary_that_was_stopped_calls_nobody() -> None:
    data = {**DATA, "purpose": "canary"}
    variables = read(stopped(json.dumps({"detail": {"metadata": {}, "data": data}})))
    first = states()["WhomItConcerns"]["Choices"][0]
    assert evaluated(first["Condition"], {}, variables) is True
    assert first["Next"] == "NotForHumans"


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("incident.resolved", "resolve"),
        ("incident.acknowledged", "acknowledge"),
        ("incident.closed", "resolve"),
    ],
)
def test_an_end_and_whoever_takes_it_hold_for_every_call(kind: str, action: str) -> None:
    data = {**DATA, "duration_seconds": 90, "by": "ada", "ended_at": NOW}
    event = {"detail-type": kind, "detail": {"metadata": {"correlation_id": "c"}, "data": data}}
    variables = told(read(event), told_escalated_critical="e")
    assert pages(variables) == [
        (action, INCIDENT),
        (action, f"{INCIDENT}-human"),
        (action, f"{INCIDENT}-approval"),
    ]
    # Whoever was paged is told, also where its severity has fallen since.
    assert variables["urgency"] == "critical"
    entries = evaluated(states()["PutNotified"]["Arguments"], {}, variables)["Entries"]
    kinds = [entry["DetailType"] for entry in entries]
    assert kinds.count("incident.paged") == 3
    assert kinds.count("incident.notified") == (1 if kind == "incident.resolved" else 0)


@pytest.mark.parametrize(
    ("data", "row", "ended"),
    [
        ({}, {"in_hand": "e"}, False),
        ({}, {"in_hand": "e", "told_escalated_critical": "e"}, True),
        ({"verified": "3/3 ready"}, {"in_hand": "e"}, True),
        ({}, {}, True),
    ],
)
def test_a_page_stays_open_while_the_target_is_being_verified(
    data: dict[str, str], row: dict[str, str], ended: bool
) -> None:
    event = {
        "detail-type": "incident.resolved",
        "detail": {"metadata": {}, "data": {**DATA, **data}},
    }
    variables = told(read(event), **row)
    assert bool(pages(variables)) is ended
    entries = evaluated(states()["PutNotified"]["Arguments"], {}, variables)["Entries"]
    assert entries[0]["DetailType"] == "incident.notified"


def test_what_a_runbook_says_of_its_end_is_told_as_verified() -> None:
    data = {
        **DATA,
        "verified": "3/3 ready, degraded mode on",
        "health": "3 of 3 replicas are ready",
    }
    output = {
        "status": "resolved",
        "verified_end": {"metadata": {"correlation_id": "c"}, "data": data},
    }
    event = stopped(None)
    event["detail"] |= {"status": "SUCCEEDED", "output": json.dumps(output)}
    variables = told(read(event), in_hand="e", told_resolved_warning="e")
    assert (variables["kind"], variables["told_as"]) == ("incident.resolved", "told_verified")
    assert variables["headline"] == "OK apps/checkout: over, 3/3 ready, degraded mode on"
    assert variables["doing"].endswith("verified after it: 3 of 3 replicas are ready")
    assert [action for action, _ in pages(variables)] == ["resolve"] * 3


@pytest.mark.parametrize("output", ['{"status": "duplicate"}', '"verified_end"', "[1]"])
def test_a_runbook_that_says_nothing_of_an_end_is_told_to_nobody(output: str) -> None:
    event = stopped(None)
    event["detail"] |= {"status": "SUCCEEDED", "output": output}
    read_event = evaluated(states()["ReadEvent"]["Output"], event, {})
    choices = states()["IsToBeLookedUp"]["Choices"]
    taken = next(each for each in choices if evaluated(each["Condition"], read_event, {}))
    assert taken["Next"] == "NotForHumans"


@pytest.mark.parametrize(
    ("told_of", "named", "urgency"),
    [
        (("created_warning",), "info", "warning"),
        (("created_info", "created_warning", "escalated_critical"), "info", "critical"),
        (("stopped_warning",), "critical", "warning"),
        ((), "info", "info"),
    ],
)
def test_the_end_is_as_urgent_as_the_worst_that_people_were_called_for(
    told_of: tuple[str, ...], named: str, urgency: str
) -> None:
    """A pager that is told of critical and warning would not hear of the end of an info."""
    event = {"detail-type": "incident.resolved", "detail": {"data": {**DATA, "severity": named}}}
    assert told(read(event), **{f"told_{each}": "e" for each in told_of})["urgency"] == urgency


def test_who_has_settled_it_is_said_and_why() -> None:
    data = {**DATA, "by": "ada", "because": "rolled back"}
    event = {"detail-type": "incident.closed", "detail": {"metadata": {}, "data": data}}
    variables = told(read(event))
    assert (variables["told_as"], variables["by_hand"]) == ("told_closed", True)
    again = "where its alert still fires, nobody is told of it again until it begins anew"
    assert variables["doing"] == f"settled by ada: rolled back ({again})"
    for state, after in (("IsToBeTold", "WhatIsToBeTold"), ("IsPublished", "IsAnythingLeft")):
        taken = [
            choice["Next"]
            for choice in states()[state]["Choices"]
            if evaluated(choice["Condition"], {}, variables)
        ]
        assert taken == [after], state


@pytest.mark.parametrize(
    ("kind", "first_line"),
    [
        ("incident.closed", "CLOSED shop/basket: by ada"),
        ("incident.undo-asked", "UNDO shop/basket: by ada"),
        ("incident.resolved", "OK shop/basket: over in 12 s"),
    ],
)
def test_the_place_of_what_is_no_target_is_what_its_labels_name(kind: str, first_line: str) -> None:
    at = {"cluster": None, "namespace": "shop", "kind": None, "name": None}
    said = {"by": "ada", "because": "b", "duration_seconds": 12}
    data: dict[str, Any] = {**DATA, **said, "target": at, "subject": "shop/basket"}
    del data["display"]
    variables = told(read({"detail-type": kind, "detail": {"metadata": {}, "data": data}}))
    assert variables["headline"] == first_line
    mail = json.loads(variables["message"])["email"]
    assert "Where:   shop/basket" in mail.splitlines()
    # Of one whose labels name nothing but a namespace it says that.
    nameless = {**data, "subject": None}
    variables = told(read({"detail-type": kind, "detail": {"metadata": {}, "data": nameless}}))
    assert "Where:   namespace shop" in json.loads(variables["message"])["email"].splitlines()


@pytest.mark.parametrize(
    ("kind", "first_line", "action", "pages_told"),
    [
        ("incident.acknowledged", "TAKEN apps/checkout: by ada", "acknowledge", 3),
        ("incident.released", "GIVEN BACK apps/checkout: by ada, nobody has it", "trigger", 0),
        ("incident.closed", "CLOSED apps/checkout: by ada", "resolve", 3),
        ("incident.undo-asked", "UNDO apps/checkout: by ada", None, 0),
    ],
)
def test_what_a_human_has_said_reaches_every_channel_with_the_person(
    kind: str, first_line: str, action: str | None, pages_told: int
) -> None:
    by = "arn:aws:sts::000000000000:assumed-role/on-call/ada"
    data = {**DATA, "by": by, "because": "rolled back"}
    at = {"occurred_at": "2026-11-28T03:01:00.000Z", "correlation_id": "c"}
    variables = read({"detail-type": kind, "detail": {"metadata": at, "data": data}})
    variables = told(variables | {"heard": True}, told_escalated_critical="e")
    assert variables["headline"] == first_line
    choices = states()["IsPublished"]["Choices"]
    assert not any(evaluated(each["Condition"], {}, variables) for each in choices)
    message = json.loads(variables["message"])
    body = json.loads(message["default"])
    assert (body["event"], body["event_action"], body["by"]) == (kind, action, by)
    assert by in message["email"]
    entries = evaluated(states()["PutNotified"]["Arguments"], {}, variables)["Entries"]
    kinds = [entry["DetailType"] for entry in entries]
    assert kinds == ["incident.notified"] + ["incident.paged"] * pages_told
    chat = json.loads(entries[0]["Detail"])
    schema = json.loads((PROJECT_ROOT / "events/schemas/incident.notified.json").read_text("utf-8"))
    chat["metadata"] |= {"account_id": "000000000000"}
    Draft202012Validator(schema).validate(chat)
    assert by in chat["data"]["slack_text"]


def test_each_time_that_somebody_takes_an_incident_is_told() -> None:
    """As after it was given back: a claim by the severity alone would know only the first."""

    def claim(at: str, kind: str = "incident.acknowledged") -> str:
        metadata = {"occurred_at": at}
        event = {"detail-type": kind, "detail": {"metadata": metadata, "data": {**DATA, "by": "a"}}}
        return str(read(event)["told_as"])

    assert claim("2026-11-28T03:01:00.000Z") == claim("2026-11-28T03:01:00.000Z")
    assert claim("2026-11-28T03:01:00.000Z") != claim("2026-11-28T03:09:00.000Z")
    assert claim("t", "incident.released") != claim("t")
    assert claim("t", "incident.undo-asked") == "told_undo-asked_t"


def test_what_each_step_came_to_is_said_with_the_end() -> None:
    steps = ["1. restart: failed (pods do not\ncome up)", "2. roll-back: done (to revision 7)"]
    data = {**DATA, "verified": "3/3 ready, rollback done", "done": steps}
    variables = told(read({"detail-type": "incident.resolved", "detail": {"data": data}}))
    message = json.loads(variables["message"])
    plain = ["1. restart: failed (pods do not come up)", steps[1]]
    lines = message["email"].splitlines()
    assert [each for each in lines if each.startswith("Done:")] == [
        f"Done:    {each}" for each in plain
    ]
    assert json.loads(message["default"])["payload"]["custom_details"]["done"] == "; ".join(plain)
    for each in plain:
        assert f"Done: {each}" in json.loads(variables["notified"]["Detail"])["data"]["slack_text"]


def test_what_is_lent_is_said_with_the_end_and_until_when() -> None:
    lent = {"lent": "degraded mode on checkout", "lent_until": "2026-11-23T15:25:04.704Z"}
    data = {**DATA, "verified": "3/3 ready, degraded mode on", **lent}
    variables = told(read({"detail-type": "incident.resolved", "detail": {"data": data}}))
    said = (
        "degraded mode on checkout; it is taken back at 2026-11-23T15:25:04.704Z, or later where"
        " things have not stayed quiet until then"
    )
    message = json.loads(variables["message"])
    assert f"Lent:    {said}" in message["email"].splitlines()
    assert json.loads(message["default"])["lent"] == said
    assert f"Lent: {said}" in json.loads(variables["notified"]["Detail"])["data"]["slack_text"]


def test_the_end_of_an_alarm_is_told_in_the_words_of_cloudwatch() -> None:
    event = {
        "account": "000000000000",
        "region": "us-east-1",
        "detail-type": "CloudWatch Alarm State Change",
        "resources": [ALARM],
        "detail": {
            "alarmName": "sre-runbook-failed",
            "state": {"value": "OK", "reason": "all is well", "timestamp": NOW},
            "previousState": {"value": "ALARM"},
            "configuration": {"description": "what to do", "metrics": []},
        },
    }
    variables = read(event)
    choices = states()["WhomItConcerns"]["Choices"]
    taken = next(each for each in choices if evaluated(each["Condition"], {}, variables))
    assert taken["Next"] == "TellAlarmIsOver"
    said = evaluated(states()["TellAlarmIsOver"]["Arguments"], event, {})
    assert said["Subject"] == 'OK: "sre-runbook-failed" in us-east-1'
    message = json.loads(said["Message"])
    assert (message["NewStateValue"], message["OldStateValue"]) == ("OK", "ALARM")
    assert message["AlarmArn"] == ALARM


@pytest.mark.parametrize(
    ("given", "name", "asked"),
    [
        ({"grown": 40}, "digest-7-40", {"window": 7, "grown": 40}),
        ({}, "digest-7", {"window": 7}),
        ({"Error": "throttled"}, "digest-7", {"window": 7}),
    ],
)
def test_a_digest_has_its_own_name_where_a_window_has_doubled(
    given: dict[str, Any], name: str, asked: dict[str, Any]
) -> None:
    arguments = states()["EnsureDigest"]["Arguments"]
    assert evaluated(arguments["Name"], given, {"window": 7}) == name
    assert evaluated(arguments["Input"], given, {"window": 7}) == asked


@pytest.mark.parametrize(
    ("named", "windows_ago", "then"),
    [
        (True, 0, "HoldBack"),
        (True, 1, "HoldBack"),
        (False, 1, "CountNotification"),
        (False, 0, "WhatIsToBeTold"),
    ],
)
def test_what_may_not_be_held_back_any_more_counts_in_the_window_of_now(
    named: bool, windows_ago: int, then: str
) -> None:
    """Refused with a name it may be for that; without one its window has been added up."""
    now = assigned("ReadData", {}, {}, "window")["window"]
    variables = {"named": named, "window": now - windows_ago, "full": True}
    state = states()["WhyNotHeldBack"]
    taken = [one for one in state["Choices"] if evaluated(one["Condition"], {}, variables)]
    assert (taken[0]["Next"] if taken else state["Default"]) == then
    if then == "CountNotification":
        counts = evaluated(taken[0]["Assign"], {}, variables)
        assert (counts["window"] - now, counts["full"]) in {(0, False), (1, False)}


@pytest.mark.parametrize(
    ("waited", "seconds"),
    [(0.5, 2), (2.5, 2), (4.5, 4), (8.5, 8), (20.5, 8), (26.5, 4), (29.5, 2), (40.0, 2)],
)
def test_a_message_asks_the_rarer_the_longer_it_waits_and_not_past_its_time(
    waited: float, seconds: int
) -> None:
    """The time is CauseWaitSeconds: 30 as shipped."""
    until = 1000 * (time.time() + 30 - waited)
    wait = states()["WaitForRelation"]["Seconds"]
    assert evaluated(wait, {}, {"related_by": until}) == seconds
