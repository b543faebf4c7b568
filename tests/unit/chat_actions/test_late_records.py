"""A record that says later what was told: the card is shown, and the news come once more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from chat_actions.card import card
from chat_actions.errors import NotYet, Refused
from chat_actions.ports import Card
from chat_actions.question import asked
from chat_actions.showing import Board, reflects

INCIDENT = "edc4574d-f844-58cc-b5c9-dc4169c35240"
ASKED, LATER = "2026-11-28T03:00:05.000Z", "2026-11-28T03:01:00.000Z"
ADA = "ada (in Slack, as U024)"


@dataclass
class Slack:
    """A channel in which the card stands already."""

    shown: list[str] = field(default_factory=list)

    def update(self, _channel: str, _message: str, text: str, _blocks: object) -> bool:
        self.shown.append(text)
        return True

    def post(self, _channel: str, _text: str, **_more: object) -> str:
        return "1.2"


class Rows:
    def read(self, _incident_id: str) -> Card:
        return Card("C1", "1.1")

    def hold(self, _incident_id: str) -> bool:
        return True

    def release(self, _incident_id: str) -> None:
        return None

    def posted(self, *_row: str) -> None:
        return None

    def tell(self, *_told: str) -> None:
        return None


@dataclass
class Records:
    record: dict[str, Any]

    def read(self, _incident_id: str) -> dict[str, Any]:
        return self.record


def heard(record: dict[str, Any], kind: str, **data: Any) -> list[str]:
    """What the card has shown once an event was heard."""
    slack, waited = Slack(), list[float]()
    rows: Any = Rows()
    records: Any = Records({"incident_id": INCIDENT, **record})
    chat: Any = slack
    board = Board("C1", records, rows, chat, waited.append)
    event = {"detail-type": kind, "detail": {"data": {"incident_id": INCIDENT, **data}}}
    try:
        board.hear(event)
    except NotYet:
        slack.shown.append("once more")
    return slack.shown


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("incident.resolved", {}),
        ("incident.notified", {"event": "incident.resolved"}),
        ("incident.escalated", {}),
        ("incident.investigated", {"answer_id": "a"}),
        ("action.completed", {"action_id": "a"}),
    ],
)
def test_news_that_the_record_does_not_say_yet_are_shown_and_come_once_more(
    kind: str, data: dict[str, str]
) -> None:
    shown, again = heard({"status": "remediating"}, kind, **data)
    assert (shown.partition(" ")[0], again) == ("AT", "once more")


def test_what_a_human_has_said_and_is_so_no_more_comes_once() -> None:
    (shown,) = heard({"status": "escalated"}, "incident.acknowledged")
    assert shown.startswith("NEEDS YOU")


def test_a_plan_that_asks_nobody_comes_once() -> None:
    """A step that does not apply is planned, too, and its runbook goes on with the next."""
    skipped = {"action_id": "a", "operation": "plan", "status": "skipped"}
    (shown,) = heard(
        {"status": "remediating", "actions_taken": [skipped]}, "action.completed", **skipped
    )
    assert shown.startswith("AT WORK")


def test_what_a_record_has_no_place_for_is_not_waited_for() -> None:
    full = [{"action_id": str(number)} for number in range(30)]
    assert reflects({"actions_taken": full}, "action.completed", {"action_id": "one more"})
    said = [{"answer_id": str(number)} for number in range(5)]
    assert reflects({"investigations": said}, "incident.investigated", {"answer_id": "one more"})


def answered(**record: Any) -> dict[str, Any]:
    """A question whose answer was taken, and could not be noted."""
    approval = {"token": "t", "step": 1, "requested_at": ASKED}
    return {"incident_id": INCIDENT, "status": "resolved", "approval": approval, **record}


def test_who_approved_is_not_told_that_it_was_not_used() -> None:
    """AWS had taken it, and its answer was lost on the way; or the call was tried once more."""
    action = {"operation": "execute", "started_at": LATER, "approved_by": ADA}
    with pytest.raises(Refused) as refused:
        asked(answered(actions_taken=[action]))
    assert str(refused.value) == f"It was answered already, by {ADA}."


def test_who_denied_is_not_told_that_it_was_not_used() -> None:
    why = f"denied by {ADA}"
    record = answered(status="escalated", escalation_code="approval-denied", escalation_reason=why)
    with pytest.raises(Refused, match="It was answered already") as refused:
        asked(record)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"status": "escalated", "escalation_code": "approval-timeout"}, "Nobody answered in time"),
        ({"status": "resolved"}, "The card shows what was done"),
        (
            {
                "actions_taken": [
                    {"operation": "execute", "started_at": "2026-11-28T02:00:00.000Z",
                     "approved_by": "grace"}
                ]
            },
            "The card shows what was done",
        ),
    ],
)  # fmt: skip
def test_nothing_is_said_of_an_answer_that_is_not_known(record: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused) as refused:
        asked(answered(**record))
    assert told in str(refused.value)
    assert "not used" not in str(refused.value)


def test_an_alert_without_a_name_has_words() -> None:
    assert "None" not in card({"incident_id": INCIDENT, "status": "open", "alert_name": None}).text
