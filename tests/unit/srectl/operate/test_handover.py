"""All that the next shift has to know stands on one page."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from srectl.cli import cli
from srectl.operate.account import Account
from srectl.operate.announcing import stamp
from srectl.operate.incidents import climbed, unacknowledged_since
from srectl.operate.queues import QUEUES
from srectl.operate.shapes import shaped

Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]
A = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
B = "9abc0c0e-6a3b-5d0e-9a55-2f1f4f0e8b13"


@pytest.fixture
def now() -> str:
    """Give a moment of today, as incidents of more than 30 days ago are left out."""
    return stamp(datetime.datetime.now(datetime.UTC))


def test_the_page_names_who_is_needed_the_switches_and_what_could_not_be_read(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    put_incident(incident_id=A, timestamp=now, escalation_reason="it did not help")
    put_incident(incident_id=B, timestamp=now, status="open")
    window = ("maintenance", "add", "--for", "2h", "--reason", "upgrade")
    assert srectl(*window).exit_code == 0
    page = json.loads(srectl("handover", "--json").output)
    assert [each["incident_id"] for each in page["needs_somebody"]] == [A]
    assert [each["incident_id"] for each in page["other_open"]] == [B]
    assert (page["mode"], page["windows"][0]["reason"]) == ("on", "upgrade")
    assert page["not_read"]  # there are no queues here
    shown = srectl("handover").output
    assert "0f3c0c0e critical CheckoutHighErrorRate sre-platform/apps/deployment/checkout" in shown
    assert "it did not help" in shown
    assert "not read" in shown


def test_what_was_taken_back_since_is_told(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    reason = "It may have left half-changed: 1. restart_workload."
    put_incident(incident_id=A, timestamp=now, escalation_reason=reason, restoration="restored")
    put_incident(incident_id=B, timestamp=now, escalation_reason=reason)
    said = " ".join(srectl("handover").output.split())
    assert said.count(reason) == 2
    assert said.count(f"{reason} Since then: restored.") == 1


def test_what_is_being_taken_back_is_at_work_with_who_asked_and_since_when(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    role = "arn:aws:iam::123456789012:role/machine"
    account.states.create_state_machine(
        name="t-incident-restorer", definition='{"StartAt": "A"}', roleArn=role
    )
    reason = "It may have left half-changed: 1. restart_workload."
    asked = {"undo_asked_by": "ada", "undo_asked_at": now, "undo_attempt": 2}
    for incident_id in (A, B):
        put_incident(
            incident_id=incident_id,
            timestamp=now,
            escalation_reason=reason,
            restoration="not restored: its steps say why",
            **asked,
        )
    # Of one the attempt before it ended, of the other it goes on.
    ended = account.states.start_execution(
        stateMachineArn=account.restorer_arn, name=f"{B}-undo-2"
    )["executionArn"]
    account.states.stop_execution(executionArn=ended)
    account.states.start_execution(stateMachineArn=account.restorer_arn, name=f"{A}-undo-2")

    page = json.loads(srectl("handover", "--json").output)
    assert [(each["incident_id"], each["undo"]) for each in page["at_work"]] == [
        (A, {"by": "ada", "since": now})
    ]
    undos = {each["incident_id"]: each["undo"] for each in page["needs_somebody"]}
    assert undos == {A: {"by": "ada", "since": now}, B: None}
    said = " ".join(srectl("handover").output.split())
    since = rf"as ada asked at (\d{{4}}-\d\d-\d\d )?{now[11:16]}"
    assert re.search(rf"at work 1 0f3c0c0e .* what was done is being taken back, {since}", said)
    assert re.search(rf"restart_workload. Since then: being taken back, {since} UTC\.", said), said
    assert said.count("restart_workload. Since then: not restored: its steps say why.") == 1


def test_where_it_cannot_be_asked_what_is_being_taken_back_that_is_said(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    put_incident(incident_id=A, timestamp=now, undo_asked_by="ada", undo_asked_at=now)
    put_incident(incident_id=B, timestamp=now, undo_asked_by="ada", undo_asked_at=now)
    assert "being taken back" not in json.dumps(json.loads(srectl("handover", "--json").output))
    put_incident(incident_id=A, timestamp=now, undo_asked_by="ada", undo_attempt=1)
    told = json.loads(srectl("handover", "--json").output)["not_read"]
    assert any("what is being taken back at the moment could not be asked" in each for each in told)


def test_who_nobody_has_taken_is_told_with_how_far_it_has_climbed(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    told_to = [
        {"level": level, "at": now, "since": now, "to": f"contact {level} (e-mail)"}
        for level in (2, 3)
    ]
    put_incident(incident_id=A, timestamp=now, escalated_at=now, climbed=told_to)
    why = {"acknowledged_by": "ada", "acknowledged_because": "my deployment"}
    put_incident(incident_id=B, timestamp=now, escalated_at=now, **why)
    page = json.loads(srectl("handover", "--json").output)
    told = {each["incident_id"]: each["climbed"] for each in page["needs_somebody"]}
    assert told == {A: told_to}
    assert [(each["incident_id"], each["acknowledged_by"]) for each in page["in_hand"]] == [
        (B, "ada")
    ]
    shown = srectl("handover").output
    assert "needs somebody 1" in shown
    assert "in somebody's hands 1" in shown
    assert "in hand of ada: my deployment" in " ".join(shown.split())
    assert shown.count("unacknowledged for 0 min, level 2 told at ") == 1
    for words in (" ".join(shown.split()), " ".join(srectl("show", A).output.split())):
        for level in (2, 3):
            assert re.search(rf"level {level} told at [^,]+ UTC: contact {level} \(e-mail\)", words)
    story = " ".join(srectl("show", A).output.split())
    assert "waits unacknowledged for 0 min climbed level 2 told at " in story
    assert "unacknowledged" not in srectl("show", B).output


def test_of_calls_before_the_last_it_is_said_how_many_were_told(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    before = "2026-11-23T15:14:52.704Z"
    levels = [
        {"level": 2, "at": before, "since": before, "to": "second contact (e-mail)"},
        {"level": 3, "at": before, "since": before, "to": "third contact (e-mail)"},
        {"level": 2, "at": now, "since": now, "to": "second contact (e-mail)"},
    ]
    put_incident(incident_id=A, timestamp=now, escalated_at=before, released_at=now, climbed=levels)
    for command in (("show", A), ("handover",)):
        told = " ".join(srectl(*command).output.split())
        assert told.count("level 2 told at ") == 1
        assert "level 3" not in told
        assert "UTC: second contact (e-mail), 2 told of the calls before" in told
    put_incident(incident_id=A, timestamp=now, escalated_at=now)
    told = " ".join(srectl("show", A).output.split())
    assert "waits unacknowledged for 0 min" in told
    assert "climbed" not in told


def test_what_was_given_back_is_unacknowledged_from_then_on(now: str) -> None:
    record = {"status": "escalated", "escalated_at": "2026-11-23T15:14:52.704Z"}
    assert unacknowledged_since(record) == "2026-11-23T15:14:52.704Z"
    assert unacknowledged_since({**record, "released_at": now}) == now
    for changes in ({"acknowledged_by": "ada"}, {"status": "resolved"}, {"status": "open"}):
        assert unacknowledged_since({**record, **changes}) is None
    assert climbed(shaped({"climbed": "nonsense"})) == climbed({}) == []
    assert climbed(shaped({"climbed": ["x", {"level": {}, "at": "a"}]})) == [{"at": "a"}]


def test_what_the_labels_name_stands_on_the_page_where_it_is_no_target(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    nothing = {"cluster": "prod", "namespace": "apps", "kind": None, "name": None}
    put_incident(incident_id=A, timestamp=now, target=nothing, subject="apps/parcels-7d9f-x")
    assert "apps/parcels-7d9f-x" in srectl("handover").output


def test_what_is_asked_stands_on_the_page_with_the_end_of_its_time(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    until = stamp(datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=15))
    approval = {"token": "t", "runbook": "RollBack", "requested_at": now, "until": until, "step": 1}
    put_incident(incident_id=A, timestamp=now, status="remediating", approval=approval)
    put_incident(incident_id=B, timestamp=now)
    page = json.loads(srectl("handover", "--json").output)
    asked = {each["incident_id"]: each["asks"] for each in page["needs_somebody"]}
    assert asked[B] is None
    assert datetime.datetime.fromisoformat(asked[A].pop("until")) == (
        datetime.datetime.fromisoformat(until)
    )
    assert asked[A] == {"runbook": "RollBack", "step": 1}
    ends = f"{datetime.datetime.fromisoformat(until):%H:%M}"
    # With its day where that is not today's.
    told = srectl("handover").output
    assert re.search(rf"runbook RollBack asks until (\d{{4}}-\d\d-\d\d )?{ends}", told), told
    for command in (("show", A), ("approve", A)):
        told = " ".join(srectl(*command).output.split())
        assert f"{datetime.datetime.fromisoformat(until):%H:%M:%S}" in told, command


def test_a_runbook_that_was_switched_by_itself_stands_on_the_page(
    account: Account, srectl: Run
) -> None:
    assert srectl("handover", "--json").exit_code == 0
    name = account.own_modes_parameter
    account.ssm.put_parameter(
        Name=name, Value=json.dumps({"RollBack": "observe"}), Type="String", Overwrite=True
    )
    assert json.loads(srectl("handover", "--json").output)["runbooks_switched"] == {
        "RollBack": "observe"
    }
    assert "runbook RollBack: observe" in srectl("handover").output


def test_show_says_what_is_lent_and_until_when_at_least(put_incident: Put, srectl: Run) -> None:
    lent = {"lent": "degraded mode on checkout", "lent_until": "2026-11-23T16:20:00.000Z"}
    put_incident(incident_id=A, status="resolved", **lent)
    told = " ".join(srectl("show", A).output.split())
    assert "lent degraded mode on checkout, not taken back before 2026-11-23 16:20:00 UTC" in told
    put_incident(incident_id=A, status="resolved", restoration="restored", **lent)
    told = " ".join(srectl("show", A).output.split())
    assert "lent degraded mode on checkout restoration restored" in told


def test_what_has_no_step_yet_stands_on_the_page_too(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    put_incident(incident_id=A, timestamp=now, status="remediating")
    put_incident(incident_id=B, timestamp=now, status="remediating", attached_to=A)
    page = json.loads(srectl("handover", "--json").output)
    told = {each["incident_id"]: each["step"] for each in page["at_work"]}
    assert told == {A: "begins", B: "follows the remediation of 0f3c0c0e"}


def test_what_waits_in_a_queue_is_counted(account: Account, srectl: Run) -> None:
    for name in QUEUES.values():
        account.sqs.create_queue(QueueName=f"t-{name}")
    url = account.sqs.get_queue_url(QueueName="t-sre-dlq-runbook")["QueueUrl"]
    account.sqs.send_message(QueueUrl=url, MessageBody="{}")
    page = json.loads(srectl("handover", "--json").output)
    assert page["queues"] == {"runbook": 1}
    assert page["not_read"] == []
    assert "runbook 1" in srectl("handover").output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    written = CliRunner().invoke(cli, ["completion", shell]).output
    assert "_SRECTL_COMPLETE" in written


def test_it_says_which_version_it_is() -> None:
    assert CliRunner().invoke(cli, ["--version"]).output.startswith("srectl, version ")


def many(put_incident: Put, count: int, at: str, first: int = 0, **changes: Any) -> list[str]:
    """Put incidents of a flood: each of an alert and an object of its own."""
    ids = [f"{number:08x}-6a3b-5d0e-9a55-2f1f4f0e8b11" for number in range(first, first + count)]
    for number, each in enumerate(ids):
        name = f"Flood{number % 7}"
        where = {"cluster": "prod", "namespace": "apps", "kind": "deployment"}
        put_incident(
            **{
                "incident_id": each,
                "timestamp": at,
                "escalated_at": at,
                "severity": "warning",
                "alert_name": name,
                "target": {**where, "name": f"flood-{number}"},
                "escalation_code": "no-runbook",
                "escalation_reason": f"No runbook is published for {name}, of apps/flood-{number}.",
                **changes,
            }
        )
    return ids


def test_many_of_the_same_reason_are_told_together_and_all_are_counted(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    worst = many(put_incident, 11, now, severity="critical")
    others = many(put_incident, 55, now, first=100)
    put_incident(incident_id=A, timestamp=now, escalation_reason="it did not help")
    shown = srectl("handover").output
    told = " ".join(shown.split())
    assert len(shown.splitlines()) < 40, shown
    assert "needs somebody 67" in told
    assert "11 alike: critical Flood0 2, Flood1 2, Flood2 2, Flood3 2, Flood4 1, " in told
    assert "55 alike: warning Flood0 8, Flood1 8, " in told
    assert re.search(r"on prod/apps/deployment/flood-\d+, prod/\S+, prod/\S+ and 52 more ", told)
    assert len(re.findall(r"of [0-9a-f]{8}, the others alike: No runbook is published", told)) == 2
    assert "55 unacknowledged for 0 min or less" in told
    assert told.count("srectl handover --all") == 1
    # What is not alike stands by itself.
    assert "0f3c0c0e critical CheckoutHighErrorRate" in told
    assert "it did not help" in told
    each = " ".join(srectl("handover", "--all").output.split())
    assert [one for one in (*worst, *others) if one[:8] not in each] == []
    page = json.loads(srectl("handover", "--json").output)
    assert {one["incident_id"] for one in page["needs_somebody"]} == {A, *worst, *others}


def test_a_few_that_are_alike_and_each_question_stand_by_themselves(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    few = many(put_incident, 3, now)
    until = stamp(datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=15))
    approval = {"token": "t", "runbook": "RollBack", "requested_at": now, "until": until, "step": 1}
    asking = many(put_incident, 5, now, first=50, status="remediating", approval=approval)
    mine = many(put_incident, 4, now, first=90, acknowledged_by="ada")
    shown = srectl("handover").output
    told = " ".join(shown.split())
    assert [one for one in (*few, *asking) if one[:8] not in told] == []
    assert told.count("srectl approve") == 5
    assert "4 alike: warning Flood0 1, Flood1 1, Flood2 1, Flood3 1, " in told
    assert "in hand of ada" in told
    assert not [one for one in mine if one[:8] in told and f"of {one[:8]}" not in told]


def test_what_failed_in_different_ways_is_not_put_together(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    ids = [
        one
        for number, why in enumerate(
            ("was denied", "has no earlier revision", "is gone", "timed out")
        )
        for one in many(
            put_incident,
            1,
            now,
            first=number,
            escalation_code="plan-failed",
            escalation_reason=f"Planning failed: flood-0 {why}",
        )
    ]
    told = " ".join(srectl("handover").output.split())
    assert "alike" not in told
    assert [one for one in ids if one[:8] not in told] == []


def test_what_needs_somebody_does_not_vanish_behind_a_flood(
    account: Account, put_incident: Put, srectl: Run, now: str
) -> None:
    before = stamp(datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=3))
    put_incident(incident_id=A, timestamp=before, escalation_reason="it did not help")
    many(put_incident, 210, now)
    told = " ".join(srectl("handover").output.split())
    assert "needs somebody 211" in told
    assert "0f3c0c0e critical CheckoutHighErrorRate" in told
    assert "more incidents than this page shows" not in told
