"""The row in which the notifier counts a window, and what one execution made of it."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from tests.integration.statemachine.listener import WINDOW_SECONDS, Listener
from tests.integration.statemachine.telling import id_of

FULL = {"critical#": "2", "other#": "0"}


def window() -> int:
    return int(time.time()) // WINDOW_SECONDS


def counted(listener: Listener, number: int | None = None) -> dict[str, Any]:
    """Give what stands in a window's row, of the window of now unless told otherwise."""
    key = {"guard_key": {"S": f"flood#notify#{window() if number is None else number}"}}
    item = listener.platform.ddb.get_item(TableName=listener.guard, Key=key).get("Item", {})
    return {name: next(iter(value.values())) for name, value in item.items()}


def is_full(listener: Listener, **more: dict[str, Any]) -> None:
    """Have two critical alerts counted in the window, which is as many as are announced."""
    lanes: dict[str, Any] = {name: {"N": number} for name, number in FULL.items()}
    key = {"guard_key": {"S": f"flood#notify#{window()}"}}
    listener.platform.ddb.put_item(TableName=listener.guard, Item={**key, **lanes, **more})


def noted(listener: Listener, key: str, **values: str) -> None:
    """Write a row of the guard table."""
    item = {name: {"S": value} for name, value in values.items()}
    ranked = {"cause_rank": {"N": "3"}} if "caused_by" in values else {}
    listener.platform.ddb.put_item(
        TableName=listener.guard, Item={"guard_key": {"S": key}, **item, **ranked}
    )


def claim(listener: Listener, event: dict[str, Any]) -> dict[str, Any]:
    key = {"guard_key": {"S": f"incident#{id_of(event)}"}}
    item = listener.platform.ddb.get_item(TableName=listener.guard, Key=key).get("Item", {})
    return {name: next(iter(value.values())) for name, value in item.items()}


def states(listener: Listener, event: dict[str, Any], notifier: str) -> Counter[str]:
    """Run the notifier with an event; gives how often each state was entered."""
    execution = listener.platform.start_and_wait(event, notifier)
    return Counter(
        each["stateEnteredEventDetails"]["name"]
        for each in listener.platform.history(execution)
        if each["type"].endswith("StateEntered")
    )
