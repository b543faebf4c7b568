"""Who was called for an incident, and which lock it holds."""

from __future__ import annotations

from typing import Any

from tests.integration.statemachine.platform import Platform, plain, wait_for
from tests.integration.statemachine.telling import id_of


def escalation(platform: Platform, event: dict[str, Any], code: str) -> dict[str, Any]:
    """The incident is escalated for ``code`` and a human was told so, once."""
    record = platform.wait_status(id_of(event), "escalated")
    assert record["escalation_code"] == code, record
    messages = wait_for(lambda: platform.notifications(id_of(event)), "a notification")
    assert [message["reason_code"] for message in messages] == [code]
    assert messages[0]["severity"] == event["detail"]["data"]["severity"]
    return record


def holder(platform: Platform, event: dict[str, Any]) -> str | None:
    items = platform.ddb.scan(TableName=platform.table("guard"), ConsistentRead=True)["Items"]
    held = [
        plain(item["guard_key"])
        for item in items
        if plain(item.get("holder", {"S": ""})) == id_of(event)
    ]
    return held[0] if held else None
