"""When an alert ended stands beside its incident's key, for what begins later."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.recorder import Recorder
from tests.unit.recorder.rows import ID, end, put


def kept(dynamodb: Any) -> dict[str, Any]:
    key = {"guard_key": {"S": f"incident#{ID}"}}
    found: dict[str, Any] = dynamodb.get_item(TableName="guard", Key=key)["Item"]
    return found


def ending(at: str | None, occurred: str = "2026-11-23T15:30:00Z") -> dict[str, Any]:
    event = end()
    event["detail"]["data"]["ended_at"] = at
    event["detail"]["metadata"]["occurred_at"] = occurred
    return event


@pytest.mark.parametrize(
    ("at", "milliseconds"),
    [("2026-11-23T15:20:00.125Z", "1795447200125"), (None, "1795447800000")],
    ids=["told", "of one that does not say"],
)
def test_the_first_end_that_is_heard_is_kept(
    dynamodb: Any, at: str | None, milliseconds: str
) -> None:
    put(dynamodb, status="open")
    recorder = Recorder(dynamodb, "incidents", "guard")
    begun = end()
    begun["detail-type"] = "incident.created"
    recorder.take(begun)
    assert "ended" not in kept(dynamodb)
    for event in (ending(at), ending("2026-11-23T15:40:00Z"), begun):
        recorder.take(event)
    assert kept(dynamodb)["ended"] == {"N": milliseconds}
