"""What an investigator says stands on the record: once, as its words, and beside all else."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from srectl.operate import erasure
from srectl.operate.incidents import answers_beyond, plain
from tests.support.recorder import Recorder, item_size
from tests.unit.recorder.rows import ID, KEY, STARTED, put


def answer(number: int = 1, **more: Any) -> dict[str, Any]:
    data = {
        "incident_id": ID,
        "timestamp": STARTED,
        "answer_id": f"a0000000-0000-5000-8000-{number:012d}",
        "by": "AWS DevOps Agent",
        "summary": "The new image asks for a table that is not there.",
        "findings": ["Revision 7 came 40 s before the alert."],
        "suggestions": [],
        "link": None,
        "shortened": False,
    }
    detail = {"metadata": {"received_at": "2026-11-23T15:20:00.000Z"}, "data": data | more}
    return {"detail-type": "incident.investigated", "detail": detail}


def record(dynamodb: Any) -> dict[str, Any]:
    (item,) = dynamodb.scan(TableName="incidents")["Items"]
    return dict(item)


@pytest.mark.parametrize("status", ["open", "remediating", "escalated", "resolved"])
def test_it_is_written_once_and_changes_nothing_else(dynamodb: Any, status: str) -> None:
    put(dynamodb, status=status, escalated_at=STARTED)
    before = record(dynamodb)
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert [recorder.take(answer()) for _ in range(3)] == ["Recorded"] * 3
    after = record(dynamodb)
    (said,) = after["investigations"]["L"]
    assert said["M"]["by"] == {"S": "AWS DevOps Agent"}
    assert said["M"]["at"] == {"S": "2026-11-23T15:20:00.000Z"}
    assert said["M"]["summary"]["S"].startswith("The new image")
    assert [each["S"] for each in said["M"]["findings"]["L"]] == [
        "Revision 7 came 40 s before the alert."
    ]
    assert said["M"]["suggestions"] == {"L": []}
    assert said["M"]["link"] == {"NULL": True}
    new = {"investigations", "investigation_ids", "expires_at"}
    assert {name: after[name] for name in after if name not in new} == before
    assert recorder.told == []


def test_five_are_kept_and_each_is_short_whatever_the_event_brings(dynamodb: Any) -> None:
    put(dynamodb, status="escalated")
    recorder = Recorder(dynamodb, "incidents", "guard")
    long = "🔥" * 5000
    for number in range(9):
        event = answer(
            number,
            by=long,
            summary=long,
            findings=[long] * 40,
            suggestions=[long] * 40,
            link="https://h/" + "x" * 5000,
        )
        assert recorder.take(event) == "Recorded"
    found = record(dynamodb)
    assert len(found["investigations"]["L"]) == 5
    assert item_size(found) < 75_000


def test_of_more_than_five_the_record_says_how_many_came_each_once_and_at_most_a_hundred(
    dynamodb: Any,
) -> None:
    put(dynamodb, status="escalated")
    recorder = Recorder(dynamodb, "incidents", "guard")
    for number in (*range(8), 2, 7, 7):
        assert recorder.take(answer(number)) == "Recorded"
    found = record(dynamodb)
    assert [each["M"]["answer_id"]["S"][-1] for each in found["investigations"]["L"]] == list(
        "01234"
    )
    assert answers_beyond(plain(found)) == 3
    for number in range(8, 110):
        assert recorder.take(answer(number)) == "Recorded"
    assert answers_beyond(plain(record(dynamodb))) == 95


def test_one_that_comes_before_its_record_is_there_when_that_is_made(dynamodb: Any) -> None:
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert recorder.take(answer()) == "Recorded"
    data = {"incident_id": ID, "timestamp": STARTED, "alert_name": "Down", "severity": "critical"}
    created = {"detail-type": "incident.created", "detail": {"metadata": {}, "data": data}}
    assert recorder.take(created) == "Recorded"
    found = record(dynamodb)
    assert (found["status"], len(found["investigations"]["L"])) == ({"S": "open"}, 1)
    assert "expires_at" in found


def test_of_an_erased_incident_nothing_is_written_again(dynamodb: Any) -> None:
    put(dynamodb, status="resolved")
    now = datetime.datetime.now(datetime.UTC)
    erasure.erase(dynamodb, "incidents", "guard", ID, now)
    assert Recorder(dynamodb, "incidents", "guard").take(answer()) == "Recorded"
    assert dynamodb.get_item(TableName="incidents", Key=KEY).get("Item") is None
