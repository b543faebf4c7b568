"""What nobody takes is told to the next contact, up to three: each once, all on the record."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from tests.integration.statemachine.contacts import Contacts, Event, stamp
from tests.integration.statemachine.platform import ROOT, Platform, resolution
from tests.integration.statemachine.telling import heard_as, id_of
from tests.support.pagerduty import acknowledgement
from tests.support.waiting import eventually

pytestmark = pytest.mark.localaws

_SCHEMA = Draft202012Validator(
    json.loads((ROOT / "events/schemas/incident.climbed.json").read_text())
)
_TAKEN = Draft202012Validator(
    json.loads((ROOT / "events/schemas/incident.acknowledged.json").read_text())
)


def taken_by(event: Event, by: str) -> Event:
    """Somebody's taking of an incident; each at a time of their own."""
    metadata = event["detail"]["metadata"]
    at = f"2026-11-28T04:00:0{len(by)}.000Z"
    return {
        **event,
        "source": "sre.operator",
        "detail-type": "incident.acknowledged",
        "detail": {
            "metadata": {**metadata, "occurred_at": at},
            "data": {**event["detail"]["data"], "by": by},
        },
    }


def given_back(contacts: Contacts, event: Event, moment: datetime) -> Event:
    """Give an incident back at a time, by the clock of whoever does so."""
    at = stamp(moment)
    contacts.platform.set_record(event, released_at=at, released_by="ada")
    released: Event = json.loads(json.dumps(event))
    released.update({"detail-type": "incident.released", "source": "sre.operator"})
    released["detail"]["metadata"]["occurred_at"] = at
    known = ("incident_id", "timestamp", "alert_name", "severity", "summary", "target")
    released["detail"]["data"] = {
        **{name: event["detail"]["data"][name] for name in known},
        "by": "ada",
    }
    return released


@pytest.fixture(scope="module")
def contacts(platform: Platform) -> Contacts:
    """Return three contacts for the tests of this file."""
    return Contacts(platform)


def test_nobody_takes_it_and_each_contact_hears_once_in_their_turn(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="nobody")
    # Delivered twice, as EventBridge may.
    executions = [contacts.platform.start(event, contacts.climber) for _ in range(2)]
    assert contacts.told(2, 1) == ["NEEDS YOU apps/checkout: nobody for 1 min, nothing has hel.."]
    assert contacts.mails(3) == []
    contacts.told(3, 1)
    for execution in executions:
        contacts.climbs(event, execution)
    assert max(contacts.entered(one) for one in executions) == 19

    second, third = contacts.climbed(event)
    since = event["detail"]["metadata"]["occurred_at"]
    assert (second["level"], second["to"]) == (2, "second contact (e-mail)")
    assert (third["level"], third["to"]) == (3, "third contact (e-mail)")
    assert second["since"] == third["since"] == since
    assert since < second["at"] < third["at"]
    waited = datetime.fromisoformat(third["at"]) - datetime.fromisoformat(since)
    assert timedelta(seconds=6) <= waited
    # Who heard first sees that it has climbed, and each heard it once.
    assert len([one for one in contacts.first.mails() if "nobody for" in one["subject"]]) == 2
    assert (len(contacts.mails(2)), len(contacts.mails(3))) == (1, 1)
    heard = contacts.first.taken_from(contacts.heard)
    for one in heard:
        _SCHEMA.validate(one["detail"])
    assert [one["detail"]["data"]["level"] for one in heard] == [2, 3]
    # The pages of further contacts have keys of their own, so that one acknowledged rings none off.
    first, last = [one for one in contacts.pages() if one["incident_id"] == id_of(event)]
    assert [(one["level"], one["action"]) for one in (first, last)] == [
        (2, "trigger"),
        (3, "trigger"),
    ]
    assert first["key"].startswith(f"{id_of(event)}-level2-")
    assert last["key"].startswith(f"{id_of(event)}-level3-")
    for one in contacts.first.chats():
        late = "and the second have" if one["level"] == 3 else "has"
        assert f"the first contact {late} not taken it since {since}, so the" in str(one)
        assert (one["event"], one["level"]) in {
            ("incident.escalated", 2),
            ("incident.escalated", 3),
        }

    # Its end is told to everybody who was called for it, and ends their pages.
    contacts.first.tell(resolution(event, duration_seconds=90), contacts.notifier)
    assert contacts.told(2, 2)[1] == contacts.told(3, 2)[1] == "OK apps/checkout: over in 90 s"
    ended = {one["key"]: one.get("level") for one in contacts.pages() if one["action"] == "resolve"}
    assert ended.items() >= {(first["key"], 2), (last["key"], 3), (id_of(event), None)}


def test_what_has_risen_since_is_told_to_the_next_contact_as_bad_as_it_is_by_now(
    contacts: Contacts,
) -> None:
    event = contacts.call(fingerprint="risen", severity="warning")
    told = len(contacts.mails(2))
    contacts.pages()
    contacts.first.taken_from(contacts.heard)
    risen = heard_as({**event, "detail-type": "incident.created"}, "critical", 30)
    contacts.platform.run(risen, contacts.platform.recorder_variant)
    climber = contacts.variant(ThirdContact="none")
    contacts.climbs(event, contacts.platform.start(event, climber))
    contacts.told(2, told + 1)
    [heard] = contacts.first.taken_from(contacts.heard)
    _SCHEMA.validate(heard["detail"])
    [page] = contacts.pages()
    assert (heard["detail"]["data"]["severity"], page["severity"], page["body"]["severity"]) == (
        ("critical",) * 3
    )
    assert "\nHow bad: critical\n" in contacts.bodies(2)[-1]
    assert contacts.first.chats()[-1]["severity"] == "critical"
    # Its end, which its sender tells as what it is by then, is that of what people were called for.
    contacts.first.tell(risen, contacts.notifier)
    contacts.first.tell(resolution(event, duration_seconds=90), contacts.notifier)
    contacts.told(2, told + 2)
    assert "\nHow bad: critical\n" in contacts.bodies(2)[-1]


def test_who_takes_it_in_time_keeps_the_others_asleep(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="taken")
    execution = contacts.platform.start(event, contacts.climber)
    contacts.platform.set_record(event, acknowledged_by="ada")
    contacts.climbs(event, execution)
    assert contacts.levels(event) == []
    assert contacts.entered(execution) == 6


def test_who_takes_it_after_the_second_was_told_keeps_the_third_asleep_and_ends_the_page(
    contacts: Contacts,
) -> None:
    event = contacts.call(fingerprint="taken-late")
    before = len(contacts.mails(2)), len(contacts.mails(3))
    execution = contacts.platform.start(event, contacts.climber)
    contacts.told(2, before[0] + 1)
    contacts.platform.set_record(event, acknowledged_by="ada")
    contacts.climbs(event, execution)
    assert contacts.levels(event) == [2]
    assert len(contacts.mails(3)) == before[1]
    contacts.pages()
    contacts.first.tell(taken_by(event, "ada"), contacts.notifier)
    assert [(one["action"], one.get("level")) for one in contacts.pages()] == [
        ("acknowledge", None),
        ("acknowledge", None),
        ("acknowledge", None),
        ("acknowledge", 2),
    ]


def test_what_ends_while_it_waits_climbs_no_further(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="ended")
    before = len(contacts.mails(2))
    execution = contacts.platform.start(event, contacts.climber)
    contacts.told(2, before + 1)
    contacts.platform.run(resolution(event), contacts.platform.recorder_variant)
    contacts.climbs(event, execution)
    assert contacts.platform.record(id_of(event))["status"] == "resolved"
    assert contacts.levels(event) == [2]


def test_what_is_over_and_being_verified_waits_for_that(contacts: Contacts) -> None:
    """A runbook has taken it up as it rose; where that is stopped the next contact hears."""
    event = contacts.call(fingerprint="verifying")
    contacts.platform.set_record(event, in_flight="its-runbook")
    contacts.platform.run(resolution(event), contacts.platform.recorder_variant)
    assert contacts.platform.record(id_of(event))["status"] == "escalated"
    execution = contacts.platform.start(event, contacts.variant(ThirdContact="none"))
    # Twice it has looked at the record, and waits again.
    eventually("a second look", lambda: contacts.entered(execution) >= 9)
    assert contacts.levels(event) == []
    contacts.platform.set_record(event, abandoned="its-runbook")
    contacts.climbs(event, execution)
    assert contacts.levels(event) == [2]


def test_what_was_given_back_is_told_again_from_the_second_contact_on(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="given-back")
    before = len(contacts.mails(2))
    contacts.climbs(event, contacts.platform.start(event, contacts.climber))
    assert contacts.levels(event) == [2, 3]
    released = given_back(contacts, event, datetime.now(UTC))
    contacts.climbs(event, contacts.platform.start(released, contacts.climber))
    assert contacts.levels(event) == [2, 3, 2, 3]
    contacts.told(2, before + 2)
    at = released["detail"]["metadata"]["occurred_at"]
    assert contacts.climbed(event)[-1]["since"] == at
    # Whoever takes it then ends the pages of both calls, and so does whoever comes after.
    contacts.pages()
    for by, ended in (("grace", 7), ("grace", 0), ("ada", 7)):
        contacts.first.tell(taken_by(event, by), contacts.notifier)
        pages = [one for one in contacts.pages() if one["incident_id"] == id_of(event)]
        assert [one["action"] for one in pages] == ["acknowledge"] * ended, by
    for one in contacts.first.taken_from(contacts.heard):
        _SCHEMA.validate(one["detail"])


@pytest.mark.parametrize(
    "of", [{"purpose": "canary"}, {"purpose": "test"}, {"reason_code": "flood"}]
)
def test_what_calls_nobody_one_by_one_does_not_climb(
    contacts: Contacts, of: dict[str, str]
) -> None:
    event = contacts.call(fingerprint="not-for-humans")
    event["detail"]["data"].update(of)
    contacts.climbs(event, contacts.platform.start(event, contacts.climber))
    assert contacts.levels(event) == []


def test_an_alert_that_may_wake_nobody_does_not_climb(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="for-the-record", severity="info", wakes=False)
    contacts.climbs(event, contacts.platform.start(event, contacts.climber))
    assert contacts.levels(event) == []


@pytest.mark.parametrize("of", [{}, {"target": "apps/checkout"}])
def test_a_maintenance_window_wakes_nobody_else_until_it_is_over(
    contacts: Contacts, of: dict[str, str]
) -> None:
    event = contacts.call(fingerprint="maintenance")
    now = datetime.now(UTC)
    ends = now + timedelta(seconds=8)
    began = {"start": stamp(now - timedelta(hours=1)), "reason": "upgrade"}
    of_another = {**began, "end": stamp(now + timedelta(hours=1)), "target": "apps/other"}
    contacts.platform.set_maintenance([{**began, "end": stamp(ends), **of}, of_another])
    try:
        climber = contacts.variant(ThirdContact="none")
        contacts.climbs(event, contacts.platform.start(event, climber))
    finally:
        contacts.platform.set_maintenance([])
    (second,) = contacts.climbed(event)
    assert second["at"] >= stamp(ends)


def test_a_window_that_is_taken_away_before_its_end_is_waited_for_no_longer(
    contacts: Contacts,
) -> None:
    event = contacts.call(fingerprint="taken-away")
    now = datetime.now(UTC)
    ends = now + timedelta(seconds=90)
    window = {"start": stamp(now - timedelta(hours=1)), "end": stamp(ends), "reason": "upgrade"}
    contacts.platform.set_maintenance([window])
    try:
        started = contacts.platform.start(event, contacts.variant(ThirdContact="none"))
        time.sleep(5)
        assert contacts.climbed(event) == []
    finally:
        contacts.platform.set_maintenance([])
    contacts.climbs(event, started)
    (second,) = contacts.climbed(event)
    assert second["at"] < stamp(ends)


def test_what_was_given_back_by_a_clock_that_is_behind_climbs_all_the_same(
    contacts: Contacts,
) -> None:
    event = contacts.call(fingerprint="clock")
    ahead = stamp(datetime.now(UTC) + timedelta(hours=1))
    contacts.platform.set_record(event, climb_since=ahead, climb_level=3, climb_by="another")
    climber = contacts.variant(ThirdContact="none")
    contacts.climbs(event, contacts.platform.start(event, climber))
    assert contacts.levels(event) == [2]


@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(hours=1)])
def test_what_was_given_back_by_another_clock_waits_as_long_as_any_other(
    contacts: Contacts, off: timedelta
) -> None:
    event = contacts.call(fingerprint=f"clock-{off}")
    began = stamp(datetime.now(UTC) - timedelta(hours=2))
    contacts.platform.set_record(event, escalated_at=began)
    heard = datetime.now(UTC)
    released = given_back(contacts, event, heard + off)
    climber = contacts.variant(ThirdContact="none")
    contacts.climbs(event, contacts.platform.start(released, climber))
    (second,) = contacts.climbed(event)
    waited = datetime.fromisoformat(second["at"]) - heard
    assert timedelta(seconds=3) <= waited <= timedelta(minutes=2)


def test_a_record_that_holds_no_more_of_them_ends_it(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="full")
    contacts.platform.set_record(event, climbed=[{"level": 2}] * 40)
    contacts.climbs(event, contacts.platform.start(event, contacts.climber))
    assert len(contacts.climbed(event)) == 40


def test_what_the_bus_refuses_is_kept_and_stands_on_the_record(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="bus-away")
    role = contacts.platform.role_that_may_only(
        "dynamodb:GetItem", "dynamodb:UpdateItem", "ssm:GetParameters", "sqs:SendMessage"
    )
    climber = contacts.variant(role=role, ParkingQueueUrl=contacts.first.dead)
    contacts.climbs(event, contacts.platform.start(event, climber))
    assert contacts.levels(event) == [2, 3]
    parked = contacts.first.parked()
    assert [json.loads(one["Detail"])["data"]["level"] for one in parked] == [2, 3]


def test_what_the_topic_refuses_is_kept_for_the_contact(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="topic-away")
    event["detail-type"] = "incident.climbed"
    event["detail"]["data"].update(
        {"level": 2, "since": event["detail"]["metadata"]["occurred_at"], "to": "second contact"}
    )
    notifier = contacts.first.variant(TopicArn=contacts.first.topic + "-away")
    assert contacts.first.tell(event, notifier)["status"] == "SUCCEEDED"
    (parked,) = contacts.first.parked()
    assert (parked["event"], parked["incident_id"]) == ("incident.climbed", id_of(event))


def test_a_record_that_cannot_be_read_is_no_silent_end(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="table-away")
    climber = contacts.variant(IncidentTable="no-such-table", Stubbornly="[]")
    ended = contacts.platform.wait_ended(contacts.platform.start(event, climber))
    assert (ended["status"], ended["error"]) == ("FAILED", "NotClimbed")


def test_who_acknowledges_any_of_its_pages_in_pagerduty_has_taken_it(contacts: Contacts) -> None:
    for end in ("", "-human", "-level2-1795848165000"):
        event = contacts.call(fingerprint="paged")
        answer = acknowledgement(id_of(event) + end)
        execution = contacts.platform.start(event, contacts.climber)
        for _ in range(2):  # delivered twice
            contacts.climbs(event, contacts.platform.start(answer, contacts.climber))
        contacts.climbs(event, execution)
        record = contacts.platform.record(id_of(event))
        assert record["acknowledged_by"] == "Ada Lovelace (in PagerDuty)"
        assert record["acknowledged_at"] == answer["time"].replace("Z", ".000Z")
        assert contacts.levels(event) == []
        told = [one["detail"] for one in contacts.first.taken_from(contacts.taken)]
        for one in told:
            _TAKEN.validate(one)
            assert one["data"]["by"] == "Ada Lovelace (in PagerDuty)"
        assert {one["data"]["incident_id"] for one in told} == {id_of(event)}


@pytest.mark.parametrize("kind", ["somebody else has it", "it was given back since", "it is over"])
def test_what_is_acknowledged_too_late_takes_nothing(contacts: Contacts, kind: str) -> None:
    event = contacts.call(fingerprint="too-late")
    now = datetime.now(UTC)
    before: dict[str, dict[str, str]] = {
        "somebody else has it": {"acknowledged_by": "grace"},
        "it was given back since": {"released_at": stamp(now)},
        "it is over": {"status": "resolved"},
    }
    contacts.platform.set_record(event, **before[kind])
    late = acknowledgement(id_of(event), at=now - timedelta(seconds=30))
    contacts.climbs(event, contacts.platform.start(late, contacts.climber))
    known = contacts.platform.record(id_of(event)).get("acknowledged_by")
    assert known == before[kind].get("acknowledged_by")


def test_a_page_of_no_incident_and_an_answer_of_no_person_are_nothing(contacts: Contacts) -> None:
    event = contacts.call(fingerprint="not-answered")
    for answer in (
        acknowledgement("arn:aws:cloudwatch:us-east-1:000000000000:alarm:sre-events-lost"),
        acknowledgement(id_of(event) + "-of-another"),
        acknowledgement("b7b0f7a4-3a3c-5f0e-9a55-111111111111"),
        # As the platform's own acknowledgement comes back.
        acknowledgement(id_of(event), "sre-platform", "service_reference"),
    ):
        contacts.climbs(event, contacts.platform.start(answer, contacts.climber))
    assert "acknowledged_by" not in contacts.platform.record(id_of(event))
