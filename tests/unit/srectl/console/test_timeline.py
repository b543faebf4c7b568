"""An incident's timeline has whom it was told to because nobody had taken it."""

from __future__ import annotations

from srectl.console.timeline import events


def test_who_has_it_in_hand_is_told_with_the_reason() -> None:
    taken = {"acknowledged_at": "2026-11-28T03:01:00.000Z", "acknowledged_by": "ada"}
    for because, words in (
        ({}, "somebody has it in hand"),
        ({"acknowledged_because": "my deployment"}, "somebody has it in hand: my deployment"),
    ):
        [event] = [each for each in events({**taken, **because}) if each["kind"] == "taken"]
        assert (event["words"], event["who"]) == (words, "ada")


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
