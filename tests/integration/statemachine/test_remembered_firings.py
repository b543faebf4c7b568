"""The row in which an alert remembers its newest firing, in a real table."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alert_ingest.adapters.guard_table import GuardTable
from alert_ingest.firings import Firings
from alert_ingest.intake import Intake
from tests.field import field_body
from tests.integration.statemachine.platform import Platform

pytestmark = pytest.mark.localaws

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


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
