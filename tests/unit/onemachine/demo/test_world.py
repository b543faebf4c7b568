"""Which incident is the one that is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from onemachine.demo.world import World
from onemachine.stack.state import StackFolder, StackState


class Table:
    """The incident table; stands in for boto3's client."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = {each["incident_id"]["S"]: each for each in records}

    def query(self, **asked: Any) -> Any:
        return {"Items": [self.records[asked["ExpressionAttributeValues"][":id"]["S"]]]}


class State:
    def __init__(self) -> None:
        self.settings = {"incident_table": "sre-incidents"}


def record(incident: str, alert: str, pod: str, **more: Any) -> dict[str, Any]:
    labels = {"namespace": {"S": "apps"}, "pod": {"S": pod}}
    return {
        "incident_id": {"S": incident},
        "alert_name": {"S": alert},
        "labels": {"M": labels},
        **more,
    }


def watched(*records: dict[str, Any], **about: str) -> str | None:
    world = World(
        StackFolder(Path("/nowhere")),
        cast(StackState, State()),
        alert="KubePodCrashLooping",
        about=about,
    )
    world._clients["dynamodb"] = Table(*records)
    world._incident_ids.update(dict.fromkeys(each["incident_id"]["S"] for each in records))
    found = world.record()
    return None if found is None else str(found["incident_id"])


def test_another_alert_is_not_watched() -> None:
    assert watched(record("i-1", "KubePodNotReady", "a")) is None


def test_an_alert_of_the_name_with_other_labels_is_not_watched() -> None:
    others = record("i-1", "KubePodCrashLooping", "a")
    assert watched(others, record("i-2", "KubePodCrashLooping", "b"), pod="b") == "i-2"


def test_of_several_the_one_that_acts_is_watched() -> None:
    joined = record("i-1", "KubePodCrashLooping", "a", attached_to={"S": "i-2"})
    assert watched(joined, record("i-2", "KubePodCrashLooping", "b")) == "i-2"
    assert watched(joined) == "i-1"
