"""What becomes of an answer that is taken once more, because what came after it had failed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chat_actions.answering import Desk
from chat_actions.errors import ChatError, Refused
from chat_actions.incoming import ACKNOWLEDGE, Click
from chat_actions.people import People
from chat_actions.ports import Card, Record

INCIDENT = "edc4574d-f844-58cc-b5c9-dc4169c35240"
ADA = "ada (in Slack, as U024)"
FIRST = datetime.datetime(2026, 11, 28, 3, 1, tzinfo=datetime.UTC)


@dataclass
class Outside:
    """Table, cards and bus; the bus does not take what comes while it is away."""

    record: dict[str, Any]
    away: bool = False
    told: list[tuple[str, str]] = field(default_factory=list)
    now: datetime.datetime = FIRST

    def desk(self) -> Desk:
        people, outside = People({"U024": "ada", "U025": "grace"}), self
        answers: Any = None  # a question has tests of its own
        cards: Any = _Cards()
        records: Any = _Records(outside)
        bus: Any = _Bus(outside)
        nobody: Any = None  # so have taking back and leaving alone
        return Desk(people, records, cards, answers, nobody, nobody, bus, lambda: outside.now)

    def press(self, user: str = "U024") -> str:
        return self.desk().take(Click(ACKNOWLEDGE, INCIDENT, 0, "", user, "C1", "1.1"))


class _Cards:
    def read(self, _incident_id: str) -> Card:
        return Card("C1", "1.1")


@dataclass
class _Records:
    outside: Outside

    def read(self, _incident_id: str) -> Record:
        return dict(self.outside.record)

    def acknowledge(self, _record: Record, by: str, at: str) -> Record:
        if self.outside.record["status"] == "resolved" or "acknowledged_by" in self.outside.record:
            raise Refused("There is nothing to take")
        self.outside.record |= {"acknowledged_by": by, "acknowledged_at": at}
        return dict(self.outside.record)


@dataclass
class _Bus:
    outside: Outside

    def acknowledged(self, record: Mapping[str, Any], by: str, at: str) -> None:
        if self.outside.away:
            raise ChatError("the bus did not take it")
        assert record["incident_id"] == INCIDENT
        self.outside.told.append((by, at))


@pytest.fixture
def outside() -> Outside:
    return Outside({"incident_id": INCIDENT, "status": "escalated"}, away=True)


def test_what_the_bus_did_not_take_is_told_by_the_next_attempt(outside: Outside) -> None:
    with pytest.raises(ChatError):
        outside.press()
    outside.away, outside.now = False, FIRST + datetime.timedelta(minutes=1)
    assert outside.press().startswith("It is yours")
    # When it was taken, and not when that was told.
    assert outside.told == [(ADA, "2026-11-28T03:01:00.000Z")]


def test_what_somebody_else_has_is_told_by_nobody_else(outside: Outside) -> None:
    with pytest.raises(ChatError):
        outside.press()
    outside.away = False
    with pytest.raises(Refused, match="has it already"):
        outside.press("U025")
    assert outside.told == []


def test_the_pager_is_told_of_nobody_after_the_end(outside: Outside) -> None:
    with pytest.raises(ChatError):
        outside.press()
    outside.away = False
    outside.record["status"] = "resolved"
    with pytest.raises(Refused, match="has it already"):
        outside.press()
    assert outside.told == []
