"""A page for a beginning waits for its runbook's verdict, and is told where none comes in time."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from srectl.operate.erasure import erase
from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import ROOT, Platform, incident, resolution
from tests.integration.statemachine.telling import escalation, heard_as, id_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.localaws

#: Three seconds: long enough for a verdict to come before they are over.
_MINUTES = "0.05"
_HELD, _PAGED = (
    Draft202012Validator(json.loads((ROOT / f"events/schemas/incident.{kind}.json").read_text()))
    for kind in ("page-held", "paged")
)
Event = dict[str, Any]


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class OnVerdict:
    """People whose pager is called on the verdict of a runbook."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.listener = Listener(platform)
        self.notifier = self.listener.variant(PagerKind="webhook", PageAfterMinutes=_MINUTES)
        self.waiter = self.variant()
        self.held = self.listener.hear("incident.page-held")
        self.pager = self.listener.hear("incident.paged")

    def variant(self, *, role: str = "", **changes: str) -> str:
        """Create the machine that waits, with some substitutions changed."""
        own = {
            "EventBusName": self.listener.name,
            "PageAfterMinutes": _MINUTES,
            "PageSettles": "0",
            **changes,
        }
        return self.platform.variant("incident-climber", role=role, **own)

    def begin(self, fingerprint: str) -> tuple[Event, Event]:
        """Have an incident on record and told; gives its event, and that of its held page."""
        begun = incident(fingerprint=fingerprint)
        self.platform.run(begun, self.platform.recorder_variant)
        return begun, self.tell(begun)

    def tell(self, begun: Event, notifier: str = "") -> Event:
        """Have a beginning told; gives the event of its held page."""
        assert self.listener.tell(begun, notifier or self.notifier)["status"] == "SUCCEEDED"
        [held] = eventually("a held page", lambda: self.listener.taken_from(self.held))
        _HELD.validate(held["detail"])
        assert held["detail"]["data"]["incident_id"] == id_of(begun)
        return held

    def erase(self, begun: Event) -> None:
        """Erase an incident, as srectl does."""
        self.platform.set_record(begun, status="resolved")
        table, guard = self.platform.table("incidents"), self.platform.table("guard")
        assert erase(self.platform.ddb, table, guard, id_of(begun), datetime.now(UTC)) == 1

    def wait(self, held: Event, waiter: str = "") -> dict[str, Any]:
        """Wait for the verdict to the end, and see that it ends well."""
        ended = self.platform.run(held, waiter or self.waiter)
        assert ended["status"] == "SUCCEEDED", ended
        return ended

    def pages(self) -> list[tuple[str, str]]:
        """What the pager has been told since, as action and key."""
        found = self.listener.taken_from(self.pager)
        for each in found:
            _PAGED.validate(each["detail"])
        return [(each["detail"]["data"]["action"], each["detail"]["data"]["key"]) for each in found]

    def called(self, count: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []

        def enough() -> list[tuple[str, str]] | None:
            found.extend(self.pages())
            return found if len(found) >= count else None

        return eventually(f"{count} calls of the pager", enough)


@pytest.fixture(scope="module")
def scene(platform: Platform) -> OnVerdict:
    """Return people for the tests of this file."""
    return OnVerdict(platform)


def test_without_a_verdict_the_page_is_told_that_was_held_back_and_its_end_ends_it(
    scene: OnVerdict,
) -> None:
    begun, held = scene.begin("no-verdict")
    # Mail and chat hear of the beginning at once, as ever.
    assert [one["subject"][:4] for one in scene.listener.mails()] == ["CRIT"]
    assert scene.pages() == []
    scene.wait(held)
    assert datetime.now(UTC) >= datetime.fromisoformat(held["detail"]["data"]["until"])
    assert scene.called(1) == [("trigger", id_of(begun))]
    scene.listener.tell(resolution(begun), scene.notifier)
    assert ("resolve", id_of(begun)) in scene.called(3)


def test_a_verdict_that_a_human_is_needed_pages_at_once_and_the_beginning_no_more(
    scene: OnVerdict,
) -> None:
    begun, held = scene.begin("escalated")
    scene.platform.set_record(begun, status="escalated")
    scene.listener.tell(escalation(begun), scene.notifier)
    assert scene.called(1) == [("trigger", id_of(begun) + "-human")]
    scene.wait(held)
    assert scene.pages() == []


@pytest.mark.parametrize(
    "of", [{"status": "resolved"}, {"status": "remediating", "acknowledged_by": "ada"}]
)
def test_nobody_is_called_for_what_is_over_or_in_somebodys_hands(
    scene: OnVerdict, of: dict[str, str]
) -> None:
    begun, held = scene.begin("-".join(of.values()))
    scene.platform.set_record(begun, **of)
    scene.wait(held)
    assert scene.pages() == []


def test_nobody_is_called_for_an_alert_that_is_over_while_its_runbook_verifies_that(
    scene: OnVerdict,
) -> None:
    begun, held = scene.begin("verifying")
    scene.platform.set_record(begun, status="remediating", in_flight="its-runbook")
    scene.platform.run(resolution(begun), scene.platform.recorder_variant)
    assert scene.platform.record(id_of(begun))["status"] == "remediating"
    scene.wait(held)
    assert scene.pages() == []
    # Where that does not hold, the escalation calls.
    scene.listener.tell(escalation(begun, reason_code="target-unhealthy"), scene.notifier)
    assert scene.called(1) == [("trigger", id_of(begun) + "-human")]


def test_the_record_is_found_by_whatever_event_its_beginning_was_told(scene: OnVerdict) -> None:
    """One that repeats it, and does not know when it began, may be the one that is told."""
    begun = incident(fingerprint="another-start")
    scene.platform.run(begun, scene.platform.recorder_variant)
    again = copy.deepcopy(begun)
    again["detail"]["data"].update(timestamp="2026-11-23T15:19:00.000Z", started_at=None)
    held = scene.tell(again)
    scene.platform.set_record(begun, status="resolved")
    scene.wait(held)
    assert scene.pages() == []


def test_an_incident_that_was_erased_calls_nobody(scene: OnVerdict) -> None:
    begun, held = scene.begin("erased")
    scene.erase(begun)
    scene.wait(held)
    assert scene.pages() == []

    begun, held = scene.begin("erased-at-that-moment")
    execution = scene.platform.start(held, scene.variant(PageSettles="4"))
    assert scene.called(1) == [("trigger", id_of(begun))]
    scene.erase(begun)
    assert scene.platform.wait_ended(execution)["status"] == "SUCCEEDED"
    assert scene.called(1) == [("resolve", id_of(begun))]


@pytest.mark.parametrize("guard", ["", "no-such-table"])
def test_one_without_a_record_that_was_not_seen_to_be_erased_is_told(
    scene: OnVerdict, guard: str
) -> None:
    begun = incident(fingerprint="not-recorded")
    held = scene.tell(begun)
    away = {"GuardTable": guard, "Patiently": "[]"} if guard else {}
    scene.wait(held, scene.variant(**away))
    assert scene.called(1) == [("trigger", id_of(begun))]


@pytest.mark.parametrize("answered", [False, True])
def test_who_is_asked_has_the_time_for_an_answer_and_what_was_allowed_its_own(
    scene: OnVerdict, answered: bool
) -> None:
    begun, held = scene.begin(f"asks-{answered}")
    later = datetime.now(UTC) + timedelta(seconds=6)
    # An answer counts for its own three seconds from then on; a question until a minute after.
    approval = (
        {"until": stamp(later), "answer": "approved", "answered_at": stamp(later)}
        if answered
        else {"until": stamp(later - timedelta(seconds=57))}
    )
    scene.platform.set_record(begun, status="remediating", approval=approval)
    scene.wait(held)
    assert datetime.now(UTC) >= later + timedelta(seconds=3)
    assert scene.called(1) == [("trigger", id_of(begun))]


def test_an_end_at_the_moment_of_the_page_ends_that_too(scene: OnVerdict) -> None:
    begun, held = scene.begin("at-that-moment")
    execution = scene.platform.start(held, scene.variant(PageSettles="4"))
    assert scene.called(1) == [("trigger", id_of(begun))]
    scene.platform.set_record(begun, status="resolved")
    assert scene.platform.wait_ended(execution)["status"] == "SUCCEEDED"
    assert scene.called(1) == [("resolve", id_of(begun))]


def test_what_cannot_be_read_is_told(scene: OnVerdict) -> None:
    begun, held = scene.begin("table-away")
    scene.wait(held, scene.variant(IncidentTable="no-such-table", Stubbornly="[]"))
    assert scene.called(1) == [("trigger", id_of(begun))]


def test_a_page_that_the_bus_refuses_is_kept_for_it(scene: OnVerdict) -> None:
    begun, held = scene.begin("bus-away")
    role = scene.platform.role_that_may_only("dynamodb:Query", "sqs:SendMessage")
    scene.wait(held, scene.variant(role=role, ParkingQueueUrl=scene.listener.dead))
    assert scene.pages() == []
    [parked] = scene.listener.parked()
    assert (parked["Source"], parked["DetailType"]) == ("sre.pager", "incident.paged")
    assert json.loads(parked["Detail"])["data"]["key"] == id_of(begun)


def test_what_has_risen_and_what_no_runbook_looks_at_page_at_once(scene: OnVerdict) -> None:
    warned = incident(fingerprint="risen", severity="warning")
    scene.platform.run(warned, scene.platform.recorder_variant)
    scene.listener.tell(warned, scene.notifier)
    eventually("a held page", lambda: scene.listener.taken_from(scene.held))
    # Its runbook's verdict, by mail alone, was of a warning.
    scene.platform.set_record(warned, status="escalated")
    risen = copy.deepcopy(warned)
    risen["detail"]["data"]["severity"] = "critical"
    scene.listener.tell(risen, scene.notifier)
    assert scene.called(1) == [("trigger", id_of(warned))]

    notice = incident(fingerprint="notice", notice=True)
    scene.platform.run(notice, scene.platform.recorder_variant)
    scene.listener.tell(notice, scene.notifier)
    assert scene.called(1) == [("trigger", id_of(notice))]
    assert scene.listener.taken_from(scene.held) == []


def test_what_has_risen_while_its_page_was_held_is_called_as_bad_as_it_is_by_now(
    platform: Platform,
) -> None:
    """By each pager's own word for it, or the call would make less of the one of the rise."""
    # Of their own: what the other tests have told uses up what warnings may before it is a flood.
    scene = OnVerdict(platform)
    waits = []
    for kind in ("webhook", "pagerduty", "opsgenie"):
        begun = incident(fingerprint=f"held-{kind}", severity="warning")
        scene.platform.run(begun, scene.platform.recorder_variant)
        notifier = scene.listener.variant(PagerKind=kind, PageAfterMinutes=_MINUTES)
        held = scene.tell(begun, notifier)
        risen = heard_as(begun, "critical", 30)
        scene.platform.run(risen, scene.platform.recorder_variant)
        waits.append(scene.platform.start(held, scene.waiter))
    for one in waits:
        assert scene.platform.wait_ended(one)["status"] == "SUCCEEDED"
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        found.extend(each["detail"]["data"] for each in scene.listener.taken_from(scene.pager))
        return len(found) >= 3

    eventually("three calls", enough)
    bodies = [each["body"] for each in found]
    assert [each["severity"] for each in found] == ["critical"] * 3
    assert {str(each["severity"]) for each in bodies if "severity" in each} == {"critical"}
    assert [each["payload"]["severity"] for each in bodies if "payload" in each] == ["critical"]
    assert [each["priority"] for each in bodies if "priority" in each] == ["P1"]


def test_without_the_parameter_a_beginning_pages_at_once(scene: OnVerdict) -> None:
    begun = incident(fingerprint="at-once")
    at_once = scene.listener.variant(PagerKind="webhook")
    assert scene.listener.tell(begun, at_once)["status"] == "SUCCEEDED"
    assert scene.called(1) == [("trigger", id_of(begun))]
    assert scene.listener.taken_from(scene.held) == []
