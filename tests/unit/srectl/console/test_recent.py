"""Incidents of late: newest first, without heartbeats, and never more than is said."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

from srectl.operate.account import Account
from srectl.operate.incidents import CANARY
from srectl.operate.recent import recent
from tests.support.console_scene import Scene, deployment

NOW = datetime.datetime(2026, 11, 28, 3, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as made:
        yield Scene(made, NOW)


def of(account: Account, **limits: int) -> tuple[list[str], bool]:
    client, table = account.dynamodb, account.incidents_table
    found = recent(client, table, "resolved", NOW - DAY, **limits)
    return [each["incident_id"] for each in found.records], found.more


def test_heartbeats_and_what_is_older_are_left_out(scene: Scene) -> None:
    scene.put("new", status="resolved")
    scene.put("older", status="resolved", timestamp=scene.ago(hours=23))
    scene.put("too-old", status="resolved", timestamp=scene.ago(hours=25))
    scene.put("beat", status="resolved", alert_name="PlatformCanary", sender_name=CANARY)
    # Somebody's own alert of that name is an incident.
    scene.put("mine", status="resolved", alert_name="PlatformCanary", timestamp=scene.ago(hours=22))
    scene.put("open", status="open")
    assert of(scene.account) == (["new", "mine", "older"], False)
    assert of(scene.account, most=1) == (["new"], True)


def test_no_more_requests_are_made_than_is_said(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srectl.operate.recent._PAGE", 2)
    for at in range(6):
        scene.put(f"{at}", status="resolved", timestamp=scene.ago(minutes=at))
    assert of(scene.account, pages=2) == (["0", "1", "2", "3"], True)
    assert of(scene.account, pages=9) == ([str(at) for at in range(6)], False)
