"""In which channel a card begins, and that it stays there."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from chat_actions.ports import Card
from chat_actions.showing import Board

INCIDENT = "edc4574d-f844-58cc-b5c9-dc4169c35240"


class Seen:
    """Slack, which notes in which channel what was posted."""

    def __init__(self) -> None:
        self.channels: list[str] = []
        self.rang: list[str] = []

    def update(self, channel: str, *_shown: object) -> bool:
        self.channels.append(f"updated {channel}")
        return True

    def post(self, channel: str, text: str, *_shown: object, **more: object) -> str:
        self.channels.append(channel)
        self.rang += [text] if more.get("rings") else []
        return "1.2"


class Records:
    """An incident that fires."""

    def read(self, incident_id: str) -> dict[str, Any]:
        return {"incident_id": incident_id, "status": "open", "severity": "critical"}


class Row:
    """The row of one card."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def hold(self, _incident_id: str) -> bool:
        return True

    def release(self, _incident_id: str) -> None:
        return None

    def tell(self, *_told: str) -> None:
        return None

    def read(self, _incident_id: str) -> Card:
        return self.card

    def posted(self, *row: str) -> None:
        _, channel, message, shown = row
        self.card = Card(channel, message, shown)


def board(card: Card) -> tuple[Board, Seen, Row]:
    slack, row = Seen(), Row(card)
    chat: Any = slack
    rows: Any = row
    records: Any = Records()
    teams = {"payments": "C0PAYMENTS"}
    return Board("C0GENERAL", records, rows, chat, lambda _: None, teams), slack, row


def notified(**data: Any) -> dict[str, Any]:
    data = {"incident_id": INCIDENT, "event": "incident.created", **data}
    return {"detail-type": "incident.notified", "detail": {"data": data}}


@pytest.mark.parametrize(
    ("data", "channel"),
    [
        ({"team": "payments"}, "C0PAYMENTS"),
        ({"team": "paymnets"}, "C0GENERAL"),
        ({"team": "web"}, "C0GENERAL"),
        ({}, "C0GENERAL"),
    ],
)
def test_the_card_of_a_team_begins_in_its_channel_and_any_other_in_everybodys(
    data: dict[str, Any], channel: str
) -> None:
    there, slack, row = board(Card())
    there.hear(notified(**data))
    assert slack.channels[0] == channel
    assert set(slack.channels) == {channel}
    assert row.card.channel == channel


def test_a_card_that_is_there_stays_where_it_is() -> None:
    there, slack, row = board(Card("C0GENERAL", "1.1"))
    there.hear(notified(team="payments"))
    assert slack.channels[0] == "updated C0GENERAL"
    assert set(slack.channels) <= {"updated C0GENERAL", "C0GENERAL"}
    assert row.card.channel == "C0GENERAL"


class Escalated(Records):
    """An incident that needs somebody."""

    def read(self, incident_id: str) -> dict[str, Any]:
        more = {"status": "escalated", "escalated_at": "2026-11-28T03:00:00.000Z"}
        return super().read(incident_id) | more


@pytest.mark.parametrize(
    ("card", "rang"),
    [
        (Card("C0GENERAL", "1.1"), ["NEEDS YOU"]),
        # What the channel hears of anyway does not ring twice.
        (Card(), []),
        (Card("C0GENERAL", "1.1", told=frozenset({"escalated 2026-11-28T03:00:00.000Z"})), []),
    ],
)
def test_that_somebody_is_needed_is_heard_in_the_channel_and_not_in_the_thread_alone(
    card: Card, rang: list[str]
) -> None:
    there, slack, _ = board(card)
    records: Any = Escalated()
    there = dataclasses.replace(there, records=records)
    there.hear(notified(event="incident.escalated"))
    assert [text[:9] for text in slack.rang] == rang


def test_a_flood_is_of_many_and_told_in_everybodys_channel() -> None:
    there, slack, _ = board(Card())
    there.hear(notified(incident_id=None, headline="40 alerts", team="payments"))
    assert slack.channels == ["C0GENERAL"]
