"""The button Undo: where it stands, whose press counts, and that it asks for what srectl does."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from chat_actions.answering import Desk
from chat_actions.card import card
from chat_actions.errors import ChatError, Refused
from chat_actions.incoming import UNDO, Click
from chat_actions.people import People
from chat_actions.ports import Card, Record
from chat_actions.story import story
from srectl.errors import CommandFailed
from srectl.operate import undoing

INCIDENT = "edc4574d-f844-58cc-b5c9-dc4169c35240"
NOW = datetime.datetime(2026, 11, 28, 3, 1, tzinfo=datetime.UTC)
ADA, GRACE = "ada (in Slack, as U024)", "grace (in Slack, as U025)"
TARGET = {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "checkout"}


def action(index: int, operation: str, status: str = "succeeded", **result: Any) -> dict[str, Any]:
    return {
        "action_id": f"{operation}-{index}-{status}",
        "operation": operation,
        "status": status,
        "step": json.dumps({"index": index}),
        "result": json.dumps({"undo": {"action": "scale_deployment"}, **result}),
    }


def record(*actions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    steps = [{"index": each, "action": "scale_deployment", "target": TARGET} for each in (1, 2)]
    in_hand = {"runbook": "Overload", "of": 2, "locks": ["target#c#apps#deployment#checkout"]}
    return {
        "incident_id": INCIDENT,
        "timestamp": "2026-11-28T03:00:00.000Z",
        "status": "escalated",
        "alert_name": "CheckoutOverloaded",
        "target": TARGET,
        "in_hand": json.dumps({**in_hand, "steps": steps}),
        "actions_taken": list(actions or (action(1, "execute"), action(2, "execute"))),
        **changes,
    }


def noted(by: str, at: str, state: str, attempt: int = 1) -> dict[str, Any]:
    asked = {"undo_asked_by": by, "undo_asked_at": at, "undo_asked_of": state}
    return {**asked, "undo_attempt": attempt}


@dataclass
class Outside:
    """Table, card, machine and bus; ``meanwhile`` comes between a press and its note."""

    record: dict[str, Any]
    meanwhile: dict[str, Any] = field(default_factory=dict)
    away: bool = False
    is_unheard: bool = False
    told: list[tuple[str, str]] = field(default_factory=list)
    started: dict[str, Any] = field(default_factory=dict)
    ended: dict[str, Any] = field(default_factory=dict)

    def read(self, _incident_id: str) -> Record:
        return dict(self.record)

    def ask_undo(self, _record: Record, by: str, at: str, state: str) -> Record:
        before = self.record.get("undo_attempt", 0)
        self.record |= self.meanwhile
        at_rest = self.record["status"] in ("escalated", "resolved")
        if at_rest and self.record.get("undo_attempt", 0) == before:
            self.record |= noted(by, at, state, before + 1)
        return dict(self.record)

    def arn(self, name: str) -> str:
        return f"arn:{name}"

    def find(self, name: str) -> dict[str, Any] | None:
        if name not in self.started:
            return None
        return dict(self.ended.get(name, {"status": "RUNNING"}))

    def end(self, failure: str = "", status: str = "SUCCEEDED", ago: float = 0) -> None:
        """End the newest attempt, so many minutes ago."""
        output = json.dumps({"failure": {"code": failure}})
        stopped = NOW - datetime.timedelta(minutes=ago)
        ended = {"status": status, "output": output, "stopDate": stopped}
        self.ended[list(self.started)[-1]] = ended

    def start(self, name: str, request: Any) -> None:
        if self.away:
            raise ChatError("the machine could not be reached")
        self.started.setdefault(name, request)

    def undo_asked(self, record: Record, by: str, at: str) -> None:
        if self.is_unheard:
            raise ChatError("the bus does not take it")
        assert record["incident_id"] == INCIDENT
        self.told.append((by, at))

    def press(self, user: str = "U024", value: dict[str, Any] | None = None) -> str:
        given = value or button(self.record)["value"]
        return self.desk().take(Click(UNDO, INCIDENT, 0, given["h"], user, "C1", "1.1"))

    def desk(self) -> Desk:
        here: Any = self
        nobody: Any = None
        cards: Any = _Cards()
        people = People({"U024": "ada", "U025": "grace"})
        return Desk(people, here, cards, nobody, here, nobody, here, lambda: NOW)


class _Cards:
    def read(self, _incident_id: str) -> Card:
        return Card("C1", "1.1")


def button(given: dict[str, Any]) -> dict[str, Any]:
    """Give the button of a card, with its value read; empty where there is none."""
    for block in card(given).blocks:
        for each in block["elements"] if block["type"] == "actions" else ():
            if each["action_id"] == UNDO:
                return {**each, "value": json.loads(each["value"])}
    return {}


def test_what_it_asks_for_is_what_srectl_asks_for() -> None:
    outside = Outside(record())
    assert outside.press().startswith("It is being taken back")
    ((name, request),) = outside.started.items()
    opened = {**record(), "in_hand": json.loads(record()["in_hand"])}
    opened["actions_taken"] = [
        {**each, "step": json.loads(each["step"]), "result": json.loads(each["result"])}
        for each in opened["actions_taken"]
    ]
    assert request == {**undoing.asked(opened), "ended": []}
    assert [each["step"]["index"] for each in request["stack"]] == [1, 2]
    assert name == f"{INCIDENT}-undo-1"
    assert len(name) <= 80


@pytest.mark.parametrize(
    "given",
    [
        record(status="open"),
        record(status="remediating"),
        record(in_flight="arn:1"),
        record(action(1, "undo"), action(2, "restore")),
        record(in_hand=None),
        record(in_hand="nonsense"),
        record(in_hand=json.dumps({"steps": [{"index": "x"}, "y", {}]})),
    ],
)
def test_it_stands_where_srectl_would_take_back_and_nowhere_else(given: dict[str, Any]) -> None:
    assert button(given) == {}
    with pytest.raises(CommandFailed):
        undoing.asked(given)
    outside = Outside(given)
    with pytest.raises(Refused, match=r"works on it|Nothing is left"):
        outside.press(value={"h": "0f"})
    assert outside.started == {}


@pytest.mark.parametrize(
    "given",
    [
        record(),
        record(status="resolved"),
        record(in_flight="arn:1", abandoned="arn:1"),
        record(action(1, "execute"), action(1, "undo", "failed")),
        record(action(1, "undo"), action(2, "restore", "skipped", handed_over=True)),
    ],
)
def test_it_asks_whether_one_is_sure_and_names_what_would_be_taken_back(
    given: dict[str, Any],
) -> None:
    assert undoing.asked(given)
    sure = button(given)["confirm"]
    assert "scale_deployment on apps/checkout" in sure["text"]["text"]
    assert sure["confirm"]["text"] == "Take it back"


def test_a_double_press_is_one_and_the_card_says_who() -> None:
    outside = Outside(record())
    value = button(outside.record)["value"]
    outside.press()
    assert button(outside.record) == {}
    assert outside.press(value=value).startswith("It is being taken back")
    with pytest.raises(Refused, match=r"ada \(in Slack, as U024\) has it taken back already"):
        outside.press("U025", value)
    assert len(outside.started) == 1
    assert outside.record["undo_asked_by"] == ADA
    told = [told.text for told in story(outside.record)]
    assert f"{ADA} has what the runbook did taken back, since 2026-11-28T03:01:00.000Z" in told


def test_who_has_it_taken_back_is_told_on_the_bus_and_by_the_next_press_where_that_failed() -> None:
    outside = Outside(record(), is_unheard=True)
    value = button(outside.record)["value"]
    with pytest.raises(ChatError):
        outside.press(value=value)
    outside.is_unheard = False
    with pytest.raises(Refused, match="ada"):
        outside.press("U025", value)
    assert outside.told == [(ADA, "2026-11-28T03:01:00.000Z")]
    assert len(outside.started) == 1


def test_of_two_at_once_one_is_noted_and_the_other_is_told() -> None:
    outside = Outside(record())
    value = button(outside.record)["value"]
    outside.meanwhile = noted(GRACE, "t", value["h"])
    with pytest.raises(Refused, match="grace"):
        outside.press(value=value)
    assert len(outside.started) == 1
    assert outside.record["undo_asked_by"] == GRACE


def test_a_runbook_that_begins_meanwhile_is_left_to_its_work() -> None:
    outside = Outside(record(), {"status": "remediating"})
    with pytest.raises(Refused, match="works on it"):
        outside.press()
    assert outside.started == {}
    assert "undo_asked_by" not in outside.record


def test_a_card_that_shows_something_else_than_is_left_counts_for_nothing() -> None:
    outside = Outside(record())
    stale = button(outside.record)["value"]
    outside.record["actions_taken"].append(action(1, "undo", "failed"))
    with pytest.raises(Refused, match="something else by now"):
        outside.press(value=stale)
    assert outside.started == {}
    assert outside.press().startswith("It is being taken back")


def test_who_is_not_on_the_list_takes_nothing_back() -> None:
    outside = Outside(record())
    with pytest.raises(Refused, match="not among those who may answer"):
        outside.press("U0EVE")
    assert outside.started == {}


def test_what_the_machine_did_not_hear_is_asked_again() -> None:
    outside = Outside(record(), away=True)
    value = button(outside.record)["value"]
    with pytest.raises(ChatError):
        outside.press(value=value)
    assert outside.told == []
    outside.away = False
    outside.press(value=value)
    assert len(outside.started) == 1


def test_while_it_is_under_way_it_is_not_offered_and_after_a_failure_it_is() -> None:
    outside = Outside(record())
    outside.press()
    outside.record["actions_taken"].append(action(2, "restore"))
    assert button(outside.record) == {}
    outside.record["actions_taken"].append(action(1, "restore", "failed"))
    outside.end("restore-failed")
    assert "1. scale_deployment" in button(outside.record)["confirm"]["text"]["text"]
    outside.press("U025")
    first, second = outside.started
    assert outside.started[second]["ended"] == [f"arn:{first}"]


def test_one_step_that_fails_starts_no_second_attempt_beside_the_first() -> None:
    """The newest step could not be taken back; the older one is on its way."""
    outside = Outside(record())
    outside.press()
    outside.record["actions_taken"].append(action(2, "restore", "failed"))
    for user in ("U024", "U025"):
        with pytest.raises(Refused, match=r"What ada .* is still under way"):
            outside.press(user)
    assert len(outside.started) == 1
    assert outside.record["undo_asked_by"] == ADA


def test_an_attempt_that_was_stopped_is_no_reason_not_to_take_it_back() -> None:
    outside = Outside(record())
    value = button(outside.record)["value"]
    outside.press()
    outside.end(status="ABORTED")
    assert outside.press("U025", value).startswith("It is being taken back")
    assert len(outside.started) == 2


def test_what_the_record_does_not_tell_yet_is_not_done_twice() -> None:
    outside = Outside(record())
    value = button(outside.record)["value"]
    outside.press()
    outside.end()
    with pytest.raises(Refused, match="ada"):
        outside.press("U025", value)
    assert len(outside.started) == 1


@pytest.mark.parametrize(("ago", "attempts"), [(-5, 1), (9, 1), (10, 2), (600, 2)])
def test_of_what_the_record_is_never_told_there_is_another_attempt(
    ago: float, attempts: int
) -> None:
    """Also by a clock that is five minutes off: AWS takes no request by one that is more."""
    outside = Outside(record())
    value = button(outside.record)["value"]
    outside.press()
    outside.end(ago=ago)
    if attempts == 1:
        with pytest.raises(Refused, match=r"ada .* has it taken back already"):
            outside.press("U025", value)
    else:
        assert outside.press("U025", value).startswith("It is being taken back")
        assert outside.record["undo_asked_by"] == GRACE
        with pytest.raises(Refused, match=r"grace .* has it taken back already"):
            outside.press("U024", value)
    assert len(outside.started) == attempts
