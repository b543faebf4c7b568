"""An incident's timeline has whom it was told to because nobody had taken it."""

from __future__ import annotations

from srectl.console.timeline import events


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
