"""The button Silence: of which target, for how long, and that windows of others stay."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from chat_actions.answering import Desk
from chat_actions.card import card
from chat_actions.errors import ChatError, Refused
from chat_actions.incoming import SILENCE, Click
from chat_actions.people import People
from chat_actions.ports import Card, Record
from chat_actions.story import story
from chat_actions.windows import Window, written
from srectl.operate.switches import windows

INCIDENT = "edc4574d-f844-58cc-b5c9-dc4169c35240"
NOW = datetime.datetime(2026, 11, 28, 3, 1, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
REASON = "silenced in Slack by ada (in Slack, as U024)"
TARGET = {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "checkout"}
LOCK = "target#c#apps#deployment#checkout"
NODE = {"cluster": "c", "namespace": None, "kind": "node", "name": "one"}


def record(target: Any = TARGET, locks: Any = (LOCK,), **changes: Any) -> dict[str, Any]:
    in_hand = {"locks": list(locks), "steps": [{"index": 1, "target": target}]}
    return {
        "incident_id": INCIDENT,
        "timestamp": "2026-11-28T03:00:00.000Z",
        "status": "escalated",
        # What the alert calls it is another.
        "target": {**TARGET, "name": "checkout-7d9f"},
        "in_hand": json.dumps(in_hand),
        **changes,
    }


def window(target: str = "", begins: int = -10, ends: int = 10, reason: str = "moving") -> Window:
    at = [NOW + datetime.timedelta(minutes=each) for each in (begins, ends)]
    return Window(at[0], at[1], reason, target)


@dataclass
class Outside:
    """Table, card and parameter; what is in ``instead`` is written over what was."""

    record: dict[str, Any] = field(default_factory=record)
    text: str = "[]"
    instead: list[str] = field(default_factory=list)
    written: int = 0
    away: bool = False

    def holding(self, *found: Window) -> Outside:
        self.text = json.dumps([each.as_json() for each in found])
        return self

    def read(self, _incident_id: str = "") -> Any:
        return dict(self.record) if _incident_id else self.text

    def write(self, text: str) -> None:
        self.written += 1
        self.text = self.instead.pop(0) if self.instead else text

    def note_silence(self, _record: Record, window: Window) -> None:
        if self.away:
            raise ChatError("the record could not be reached")
        self.record |= {
            "silenced_target": window.target,
            "silenced_at": written(window.start),
            "silenced_until": written(window.end),
            "silenced_because": window.reason,
        }

    def get_parameter(self, **_: Any) -> Any:
        return {"Parameter": {"Value": self.text}}

    @property
    def windows(self) -> list[Window]:
        """As srectl reads them, whose file of windows is the function's own by a link."""
        client: Any = self
        return [Window(**vars(each)) for each in windows(client, "p")]

    def press(self, user: str = "U024", mark: str = "") -> str:
        here: Any = self
        nobody: Any = None
        cards: Any = _Cards()
        people = People({"U024": "ada", "U025": "grace"})
        desk = Desk(people, here, cards, nobody, nobody, here, nobody, lambda: NOW)
        mark = mark or json.loads(button(self.record)["value"])["h"]
        return desk.take(Click(SILENCE, INCIDENT, 0, mark, user, "C1", "1.1"))


class _Cards:
    def read(self, _incident_id: str) -> Card:
        return Card("C1", "1.1")


def button(given: dict[str, Any]) -> dict[str, Any]:
    """Give the button of a card; empty where there is none."""
    for block in card(given).blocks:
        for each in block["elements"] if block["type"] == "actions" else ():
            if each["action_id"] == SILENCE:
                return dict(each)
    return {}


def test_the_object_that_a_runbook_would_change_is_left_alone_for_an_hour() -> None:
    outside = Outside()
    assert "apps/checkout for 1 h" in button(outside.record)["confirm"]["text"]["text"]
    told = outside.press()
    assert told.startswith("Runbooks leave apps/checkout until 2026-11-28T04:01:00Z alone.")
    assert outside.windows == [Window(NOW, NOW + HOUR, REASON, "apps/checkout")]
    assert json.loads(outside.text) == [outside.windows[0].as_json()]
    said = [told.text for told in story(outside.record)]
    assert said == [f"Runbooks leave apps/checkout alone until 2026-11-28T04:01:00Z: {REASON}"]


def test_what_has_no_namespace_is_named_as_windows_name_it() -> None:
    outside = Outside(record(NODE, ["target#c##node#one"]))
    outside.press()
    assert [each.target for each in outside.windows] == ["/one"]


@pytest.mark.parametrize("user", ["U024", "U025"])
def test_pressing_again_changes_nothing(user: str) -> None:
    outside = Outside()
    outside.press()
    before = outside.text
    assert outside.press(user) == (
        f"Runbooks leave apps/checkout until 2026-11-28T04:01:00Z alone already ({REASON}): "
        "nothing is changed."
    )
    assert (outside.text, outside.written) == (before, 1)


def test_windows_of_others_stay_and_what_is_past_goes() -> None:
    others = [window(), window("apps/other"), window("apps/checkout", 5, 9), window(begins=60)]
    others[3] = window("", 60, 90)
    outside = Outside().holding(*others, window("apps/checkout", -9, 0))
    outside.press()
    mine = Window(NOW, NOW + HOUR, REASON, "apps/checkout")
    assert outside.windows == sorted([*others, mine])


def test_who_writes_at_the_same_moment_is_noticed() -> None:
    other = json.dumps([window("apps/other").as_json()])
    outside = Outside(instead=[other])
    assert "alone already" not in outside.press()
    assert {each.target for each in outside.windows} == {"apps/other", "apps/checkout"}
    outside = Outside(instead=[other] * 9)
    with pytest.raises(ChatError, match="all the time"):
        outside.press()
    assert "silenced_until" not in outside.record


def test_what_could_not_be_noted_is_noted_by_the_next_attempt() -> None:
    outside = Outside(away=True)
    with pytest.raises(ChatError):
        outside.press()
    outside.away = False
    outside.press()
    assert outside.written == 1
    assert outside.record["silenced_until"] == "2026-11-28T04:01:00Z"


@pytest.mark.parametrize(
    "text", ["", "{}", "7", '["x"]', '[{"start": "t"}]', '[{"start": "2026-11-28", "end": 1}]']
)
def test_what_cannot_be_read_is_not_written_over(text: str) -> None:
    outside = Outside(text=text)
    with pytest.raises(Refused, match="cannot be read"):
        outside.press()
    assert (outside.text, outside.written) == (text, 0)


def test_no_more_than_the_parameter_can_hold() -> None:
    outside = Outside().holding(*(window(f"apps/{each}", reason="r" * 200) for each in range(14)))
    with pytest.raises(Refused, match="more maintenance windows"):
        outside.press()
    assert outside.written == 0


@pytest.mark.parametrize(
    "given",
    [
        record(status="resolved"),
        record(in_hand=None),
        record(in_hand="nonsense"),
        record(in_hand=json.dumps({"steps": ["x"], "locks": [LOCK]})),
        record(target={"name": ""}),
        # What nothing locks, a window would not keep anybody from.
        record(locks=[]),
        record(locks=["target#c#apps#deployment#other", "nonsense"]),
    ],
)
def test_without_a_target_that_runbooks_know_there_is_no_button(given: dict[str, Any]) -> None:
    assert button(given) == {}
    outside = Outside(given)
    with pytest.raises(Refused, match="no runbook has found its target"):
        outside.press(mark="0f")
    assert outside.written == 0


def test_a_card_of_another_target_and_somebody_unknown_count_for_nothing() -> None:
    outside = Outside()
    with pytest.raises(Refused, match="another one by now"):
        outside.press(mark="0f")
    with pytest.raises(Refused, match="not among those who may answer"):
        outside.press("U0EVE")
    assert outside.written == 0
