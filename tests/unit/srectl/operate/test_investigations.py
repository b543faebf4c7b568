"""What an investigator said is shown as its words, wherever a record is shown."""

from __future__ import annotations

from typing import Any

import pytest

from srectl.commands import story
from srectl.console import timeline as console
from srectl.operate.incidents import plain
from srectl.postmortem.chapters import chapters
from srectl.postmortem.markdown import as_markdown
from srectl.postmortem.sources import Story

HOSTILE = "<script>alert(1)</script> [bold]x[/] `rm` [a](https://evil.example)"
SAID = {
    "answer_id": "a0000000-0000-5000-8000-000000000001",
    "by": "AWS DevOps Agent",
    "at": "2026-11-28T03:05:00.000Z",
    "summary": HOSTILE,
    "findings": ["Revision 7 came 40 s before."],
    "suggestions": ["Roll back to revision 6."],
    "link": "https://investigations.example/7",
    "shortened": False,
}
RECORD: dict[str, Any] = {
    "incident_id": "edc4574d-f844-58cc-b5c9-dc4169c35240",
    "timestamp": "2026-11-28T03:00:00.000Z",
    "alert_name": "Down",
    "severity": "critical",
    "status": "escalated",
    "summary": "nothing answers",
    "escalated_at": "2026-11-28T03:01:00.000Z",
    "investigations": [SAID],
}


def test_the_story_has_them_under_the_investigators_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    story.tell(RECORD)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    [at] = [number for number, line in enumerate(lines) if "investigation by" in line]
    assert "AWS DevOps Agent" in lines[at]
    assert "nobody has checked it" in " ".join(lines[at : at + 2])
    assert {"- Revision 7 came 40 s before.", "it would: Roll back to revision 6."} < set(lines)
    assert "all of it: https://investigations.example/7" in lines
    assert HOSTILE in " ".join(lines)  # as text


def test_the_consoles_timeline_has_them_in_their_place() -> None:
    kinds = [each["kind"] for each in console.events(RECORD)]
    assert kinds[-2:] == ["escalated", "investigator"]
    last = console.events(RECORD)[-1]
    assert last["who"] == "AWS DevOps Agent"
    assert last["words"] == f"AWS DevOps Agent says, and nobody has checked it: {HOSTILE}"
    assert last["found"] == ["Revision 7 came 40 s before.", "it would: Roll back to revision 6."]


def test_a_post_mortem_quotes_them_and_names_their_source() -> None:
    found = chapters(Story(RECORD, {}, []))
    said = found["What an investigator said"]
    assert {each.source for each in said} == {"record: investigations[0]"}
    assert all("AWS DevOps Agent" in each.text for each in said)
    assert said[2].text.endswith("Nothing did it.")
    others = [each for title, all_ in found.items() if "investigator" not in title for each in all_]
    quoting = [each.text for each in others if "script" in each.text]
    assert quoting == [f"AWS DevOps Agent, asked to investigate, answered: “{HOSTILE}”"]
    text = as_markdown(RECORD, found, "2026-11-28T07:00:00Z")
    assert "<script>" not in text.replace("\\<", "")
    assert "](https" not in text.replace("\\]", "")


def test_how_many_came_beyond_the_five_is_said_wherever_they_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = RECORD | {"investigation_ids": [f"id-{number}" for number in range(4)]}
    told = "that came besides, and are not kept: 3"
    story.tell(more)
    assert told in " ".join(capsys.readouterr().out.split())
    assert told in console.events(more)[-1]["words"]
    said = chapters(Story(more, {}, []))["What an investigator said"]
    assert told in said[-1].text
    story.tell(RECORD)
    assert "besides" not in capsys.readouterr().out


def test_where_nobody_has_said_anything_there_is_no_chapter() -> None:
    without = {key: value for key, value in RECORD.items() if key != "investigations"}
    assert "What an investigator said" not in chapters(Story(without, {}, []))


@pytest.mark.parametrize("odd", [{"S": "text"}, {"L": [{"S": "text"}, {"M": {}}]}, {"M": {}}])
def test_a_record_that_holds_something_else_is_shown_all_the_same(
    odd: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    item = {key: {"S": value} for key, value in RECORD.items() if isinstance(value, str)}
    record = plain({**item, "investigations": odd})
    story.tell(record)
    assert "Down" in capsys.readouterr().out
    assert console.events(record)
    assert chapters(Story(record, {}, []))["Timeline"]
