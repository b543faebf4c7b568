"""One of a flood that no digest tells of calls by itself: by pager and chat, and it climbs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.integration.statemachine.contacts import Contacts
from tests.integration.statemachine.flood import DIGEST, NO_DIGEST, Flood
from tests.integration.statemachine.platform import ROOT, Platform, wait_for
from tests.integration.statemachine.telling import id_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.localaws

_ESCALATED = Draft202012Validator(
    json.loads((ROOT / "events/schemas/incident.escalated.json").read_text())
)


@pytest.fixture(scope="module")
def contacts(platform: Platform) -> Contacts:
    """Return three contacts for the tests of this file."""
    return Contacts(platform)


def escalated(contacts: Contacts, flood: Flood, event: dict[str, Any], digest: str) -> Any:
    """Give what the runbook puts on the bus of an alert beyond the limit."""
    bus = contacts.first.name
    machine = flood.runbook(FloodPerTarget="0", DigestArn=digest, EventBusName=bus)
    queue = contacts.first.hear("incident.escalated")
    flood.platform.run(event, flood.platform.recorder_variant)
    flood.platform.run(event, machine)
    [call] = eventually("the call on the bus", lambda: contacts.first.taken_from(queue))
    _ESCALATED.validate(call["detail"])
    return call


def test_without_a_digest_pager_and_chat_are_called_and_the_next_contact_hears(
    platform: Platform, contacts: Contacts
) -> None:
    flood = Flood(platform)
    event = flood.alert()
    call = escalated(contacts, flood, event, NO_DIGEST)
    assert call["detail"]["data"]["reason_code"] == "flood-alone"
    assert call["detail"]["data"]["verdict"] == "one of a flood, nothing was done"
    wait_for(lambda: flood.told(event) == ["flood-alone"], "the mail")
    # What the digest looks for, should one of the window come all the same.
    assert flood.code(event) == "flood"

    assert contacts.first.tell(call, contacts.notifier)["status"] == "SUCCEEDED"
    assert [one["key"] for one in contacts.pages()] == [id_of(event) + "-human"]
    assert [one["event"] for one in contacts.first.chats()] == ["incident.escalated"]
    contacts.climbs(call, platform.start(call, contacts.climber))
    assert contacts.levels(event) == [2, 3]


def test_what_comes_after_its_digest_was_written_calls_and_what_it_will_name_does_not(
    platform: Platform, contacts: Contacts
) -> None:
    flood = Flood(platform, window_seconds=1_000_000)
    digest = flood.digest(DIGEST)
    late, named = flood.alert(), flood.alert()
    # It was escalated in an earlier window, e.g. before a long wait for the table.
    platform.set_record(late, escalated_at="2026-01-01T00:00:00.000Z")
    written = {"stateMachineArn": digest, "name": "digest-1767"}
    platform.sfn.start_execution(**written, input="{}")
    call = escalated(contacts, flood, late, digest)
    assert call["detail"]["data"]["reason_code"] == "flood-alone"

    call = escalated(contacts, flood, named, digest)
    assert call["detail"]["data"]["reason_code"] == "flood"
    contacts.first.tell(call, contacts.notifier)
    assert [one for one in contacts.pages() if one["incident_id"] == id_of(named)] == []
    assert flood.told(named) == []
