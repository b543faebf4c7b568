"""The recorder's own expressions against a table, without Step Functions: quick, for many events.

Only what the recorder is made of is known here: Pass, Choice, Succeed, Fail, updateItem, getItem,
transactWriteItems, putEvents and sendMessage. Its definition, its JSONata and its conditions are
those that are deployed; a refused condition takes the way that the state's Catch names.
"""

from __future__ import annotations

import json
import re
import uuid
from functools import cache, partial
from typing import Any

import jsonata
from botocore.exceptions import ClientError

from tests.support.machines import machines
from tests.support.sdk_names import as_api

_REFUSED = "ConditionalCheckFailedException"
_CANCELED = "TransactionCanceledException"


@cache
def _parsed(expression: str) -> Any:
    found = jsonata.Jsonata.jsonata(expression)
    # Step Functions' own.
    found.register_lambda("parse", json.loads)
    found.register_lambda("uuid", lambda: str(uuid.uuid4()))
    return found


class Recorder:
    """Takes events in like `incident-recorder`.

    Parameters
    ----------
    dynamodb
        Client of a DynamoDB that has both tables.
    incidents, guard
        Their names.
    """

    def __init__(self, dynamodb: Any, incidents: str, guard: str) -> None:
        #: What it put on the bus.
        self.told: list[dict[str, Any]] = []
        #: What it kept because it could not be written.
        self.parked: list[dict[str, Any]] = []
        self._update = dynamodb.update_item
        self._get = getattr(dynamodb, "get_item", None)
        self._transact = getattr(dynamodb, "transact_write_items", None)
        self._states: dict[str, Any] = machines()["incident-recorder"].definition(
            {
                "IncidentTable": incidents,
                "GuardTable": guard,
                "RecorderDeadLetters": "no-queue",
                "EventBus": "no-bus",
            }
        )["States"]

    def take(self, event: dict[str, Any], first: str = "ReadEvent") -> str:
        """Take one event, from a state on; return the name of the state it ended in."""
        name, variables, given = first, {} if first == "ReadEvent" else _read(event), event
        while True:
            state = self._states[name]
            states: dict[str, Any] = {"input": given, "result": None}
            if state["Type"] in ("Succeed", "Fail"):
                return name
            if state["Type"] == "Choice":
                taken: dict[str, Any] = next(
                    (
                        choice
                        for choice in state["Choices"]
                        if _evaluated(choice["Condition"], states, variables)
                    ),
                    {"Next": state["Default"], "Assign": state.get("Assign", {})},
                )
                variables |= _evaluated(taken.get("Assign", {}), states, variables)
                name = taken["Next"]
                continue
            following = state["Next"]
            if state["Type"] == "Task":
                asked = _evaluated(state["Arguments"], states, variables)
                if state["Resource"].endswith("events:putEvents"):
                    self.told += asked["Entries"]
                    name = following
                    continue
                if state["Resource"].endswith("sqs:sendMessage"):
                    self.parked.append(asked)
                    name = following
                    continue
                call = self._update
                if state["Resource"].endswith("dynamodb:getItem"):
                    call = partial(_item, self._get)
                elif state["Resource"].endswith("aws-sdk:dynamodb:transactWriteItems"):
                    call, asked = self._transact, as_api(asked)
                else:
                    assert state["Resource"].endswith("dynamodb:updateItem"), name
                try:
                    states["result"] = call(**asked)
                except ClientError as error:
                    code = error.response["Error"]["Code"]
                    if code not in (_REFUSED, _CANCELED):
                        raise
                    caught = state["Catch"][0]
                    service = "DynamoDB" if code == _REFUSED else "DynamoDb"
                    assert caught["ErrorEquals"] == [f"{service}.{code}"], name
                    states["errorOutput"] = {"Error": caught["ErrorEquals"][0], "Cause": str(error)}
                    variables |= _evaluated(caught.get("Assign", {}), states, variables)
                    name = caught["Next"]
                    continue
            variables |= _evaluated(state.get("Assign", {}), states, variables)
            name = following


def _item(get: Any, **asked: Any) -> Any:
    """Get an item; of a list the fields that are asked of its elements, which moto cannot."""
    paths = [each.strip() for each in asked["ProjectionExpression"].split(",")]
    names = asked.get("ExpressionAttributeNames", {})
    wanted: dict[tuple[str, int], set[str]] = {}
    for path in paths:
        if found := re.fullmatch(r"(\w+)\[(\d+)\]\.(#?\w+)", path):
            name, at, field = found.groups()
            wanted.setdefault((name, int(at)), set()).add(names.get(field, field))
    whole = [each for each in paths if "[" not in each] + sorted({name for name, _ in wanted})
    used = {key: name for key, name in names.items() if any(key in each for each in whole)}
    answer = get(
        **{
            **{key: each for key, each in asked.items() if key != "ExpressionAttributeNames"},
            "ProjectionExpression": ", ".join(whole),
            **({"ExpressionAttributeNames": used} if used else {}),
        }
    )
    for name, value in answer.get("Item", {}).items():
        for at, element in enumerate(value.get("L", [])):
            fields = wanted.get((name, at), set())
            element["M"] = {key: each for key, each in element["M"].items() if key in fields}
    return answer


def _read(event: dict[str, Any]) -> dict[str, Any]:
    data = event["detail"]["data"]
    return {
        "event": event,
        "kind": event["detail-type"],
        "data": data,
        "timestamp": data["timestamp"],
    }


def _evaluated(value: Any, states: dict[str, Any], variables: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _evaluated(item, states, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_evaluated(item, states, variables) for item in value]
    if isinstance(value, str) and value.startswith("{%"):
        return _parsed(value[2:-2]).evaluate(None, {"states": states, **variables})
    return value


def item_size(item: dict[str, Any]) -> int:
    """Return what DynamoDB counts an item as, in bytes: names and values, and 3 for a container."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size(item) for name, item in content.items())
    if kind == "L":
        return 3 + sum(1 + _size(item) for item in content)
    if kind == "SS":
        return sum(len(text.encode()) for text in content)
    return 21  # the largest number; null and booleans take one
