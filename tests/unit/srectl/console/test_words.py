"""How times, ages and texts are written."""

from __future__ import annotations

import datetime
import time

import pytest

from srectl.console import words

NOW = datetime.datetime(2026, 11, 28, 3, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-11-28T02:59:48Z", "12 s ago"),
        ("2026-11-28T02:00:00.000Z", "1 h ago"),
        ("2026-11-28T03:11:30Z", "in 11 min"),
        ("2026-11-28T03:00:00Z", "now"),
        (int(NOW.timestamp()) - 90, "1 min 30 s ago"),
        ("<b>", "—"),
        (None, "—"),
        (10**30, "—"),
    ],
)
def test_an_age_is_said_in_words(at: object, said: str) -> None:
    assert words.age(at, NOW) == said


def test_text_drives_no_screen_and_nothing_is_a_dash() -> None:
    assert words.clean("a\u202eb\x1b[2J\nc") == "a�b�[2J\nc"
    assert words.clean(None) == words.clean("") == "—"
    assert words.clean(0) == 0


@pytest.mark.parametrize(
    ("address", "followed"),
    [
        ("https://grafana.example/d/1", True),
        ("javascript:alert(1)", False),
        ("https://x.example/\njavascript:", False),
        ("data:text/html,x", False),
        ("//x.example", False),
        (None, False),
    ],
)
def test_only_an_address_of_the_web_may_be_followed(address: object, followed: bool) -> None:
    assert bool(words.link(address)) is followed


@pytest.mark.parametrize(("zone", "named"), [("UTC", " UTC"), ("Europe/Berlin", "")])
def test_a_time_is_written_once_where_utc_is_the_time_here(
    monkeypatch: pytest.MonkeyPatch, zone: str, named: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        at = words.stamps("2026-11-28T02:59:48Z", NOW)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert at is not None
    assert at["zone"] == named
    assert (at["local"] == at["utc"]) is bool(named)
