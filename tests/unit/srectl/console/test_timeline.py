"""An incident's timeline has whom it was told to because nobody had taken it."""

from __future__ import annotations

import datetime

import pytest

from srectl.console.timeline import events
from tests.support.console_scene import Scene, deployment
from tests.unit.srectl.console.hands import Hands


def test_who_has_it_in_hand_is_told_with_the_reason() -> None:
    taken = {"acknowledged_at": "2026-11-28T03:01:00.000Z", "acknowledged_by": "ada"}
    for because, words in (
        ({}, "somebody has it in hand"),
        ({"acknowledged_because": "my deployment"}, "somebody has it in hand: my deployment"),
    ):
        [event] = [each for each in events({**taken, **because}) if each["kind"] == "taken"]
        assert (event["words"], event["who"]) == (words, "ada")


def test_it_is_not_said_to_have_hung_on_what_was_over_before_it_began() -> None:
    let_go = {"caused_by": "0123456789", "let_go_at": "2026-11-28T03:01:00.000Z"}
    for no_cause, words in (
        (False, "let go of 01234567, which it hung on"),
        (True, "let go of 01234567: that had ended before this began"),
    ):
        assert [each["words"] for each in events(let_go, no_cause)] == [words]


def test_its_page_says_of_which_cause_it_was_thought(monkeypatch: pytest.MonkeyPatch) -> None:
    with deployment(monkeypatch) as account:
        scene = Scene(account, datetime.datetime(2026, 11, 28, 3, 0, tzinfo=datetime.UTC))
        began = scene.now - datetime.timedelta(minutes=9)
        child = {"timestamp": scene.ago(minutes=9), "let_go_at": scene.ago(minutes=8)}
        scene.put("child", caused_by="cause", **child)
        for ended, said in ((began, "Hung on"), (began - datetime.timedelta(seconds=1), "thought")):
            until = int(ended.timestamp())
            scene.put("cause", status="resolved", timestamp=scene.ago(hours=1), resolved_at=until)
            kin = Hands(account).see("/incidents/child").partition('id="kin"')[2]
            assert said in kin
            assert ("Hung on" in kin) == (said == "Hung on")


def test_each_level_that_was_told_is_an_event() -> None:
    record = {
        "timestamp": "2026-11-28T03:00:00.000Z",
        "escalated_at": "2026-11-28T03:01:00.000Z",
        "climbed": [
            {"level": 2, "at": "2026-11-28T03:16:00.000Z", "to": "second contact (e-mail)"},
            {"level": 3, "at": "2026-11-28T03:31:00.000Z", "to": "third contact (pager)"},
        ],
    }
    found = [(each["kind"], each["words"]) for each in events(record)]
    assert found[-2:] == [
        ("climbed", "nobody has taken it: level 2, the second contact (e-mail), is told"),
        ("climbed", "nobody has taken it: level 3, the third contact (pager), is told"),
    ]
