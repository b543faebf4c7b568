"""The row in which an alert remembers its newest firing, in a real table."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alert_ingest.adapters.guard_table import GuardTable
from alert_ingest.firings import Firings
from alert_ingest.intake import Intake
from srectl.operate import incidents
from srectl.operate.account import Account
from tests.field import field_body
from tests.integration.statemachine.platform import Platform, incident

pytestmark = pytest.mark.localaws

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_an_alert_that_begins_after_its_incident_was_closed_by_hand_is_a_new_one(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in platform.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    firings = Firings(GuardTable(lambda: platform.ddb, platform.table("guard")), timedelta(days=1))
    event = incident("NoSuchRunbook")
    fingerprint = uuid.uuid4().hex[:16]

    def hear(begun: datetime, now: datetime) -> str:
        body = field_body("31a-am-firing")
        body["alerts"][0].update(fingerprint=fingerprint, startsAt=begun.isoformat())
        (alert,) = firings.settle(Intake().read(body, now).alerts, now)
        return alert.incident_id

    began = datetime.fromisoformat(event["detail"]["data"]["timestamp"])
    first = hear(began, began)
    event["detail"]["data"]["incident_id"] = first
    platform.run(event, platform.recorder_variant)
    platform.run(event)
    platform.wait_status(first, "escalated")
    closed = began + timedelta(minutes=3)
    incidents.resolve(Account(f"{platform.name}-"), first, "ada", "rolled back", closed)
    before, after = closed - timedelta(seconds=1), closed + timedelta(seconds=1)
    later = closed + timedelta(minutes=1)
    assert [hear(begun, later) for begun in (began, before)] == [first, first]
    anew = hear(after, later)
    assert anew != first
    assert [hear(begun, later) for begun in (began, after, later)] == [anew] * 3


def test_an_alert_that_ended_and_fires_on_is_a_recurrence(platform: Platform) -> None:
    table = GuardTable(lambda: platform.ddb, platform.table("guard"))
    firings = Firings(table, timedelta(days=1))
    fingerprint = uuid.uuid4().hex[:16]

    def hear(name: str, minutes: int) -> Any:
        body = field_body(name)
        body["alerts"][0]["fingerprint"] = fingerprint
        now = START + timedelta(minutes=minutes)
        (alert,) = firings.settle(Intake().read(body, now).alerts, now)
        return alert

    first = hear("31a-am-firing", 1)
    assert hear("31b-am-resolved-by-timeout", 6).incident_id == first.incident_id
    assert hear("31a-am-firing", 9).incident_id == first.incident_id
    again = hear("31c-am-firing-again-same-startsAt", 12)
    assert again.forerunner == first.incident_id
    assert hear("31c-am-firing-again-same-startsAt", 14).incident_id == again.incident_id
    (row,) = table.read([again.alert_key]).values()
    assert (row.incident_id, row.previous) == (again.incident_id, first.incident_id)
    assert not table.write(again.alert_key, row, None)
