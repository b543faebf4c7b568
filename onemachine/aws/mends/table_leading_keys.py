"""Mends ``dynamodb:LeadingKeys``: which partition keys a request is about.

AWS gives IAM the values of the partition key that a request names (of each item that is read or
written, and of a query), so that a grant may hold for some items only. The emulator gives none, and
what is missing fits every ``ForAllValues`` condition: a function may then touch every item. A scan
names no key on AWS either. Each table of a batch, and each action of a transaction, is judged by
the keys of its own.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

_KEY = "dynamodb:LeadingKeys"
#: Between the two functions below: for each table and action ("" for any), its keys.
_FOUND = "mend:leading-keys"
_EQUALS = re.compile(r"(#?[\w.-]+)\s*=\s*(:\w+)")
_OF_A_TRANSACTION = {"ConditionCheck": "ConditionCheckItem"}

Found = dict[tuple[str, str], list[str]]


def _texts(value: Any) -> list[str]:
    """Give a key's value as IAM compares it."""
    return [str(text) for text in value.values()] if isinstance(value, Mapping) else []


def _partition_key(table: str, index: Any = None) -> str:
    known = dynamodb._tables.get(table) or {}
    for each in known.get("GlobalSecondaryIndexes") or ():
        if each.get("IndexName") == index:
            hashes = [one["AttributeName"] for one in each["KeySchema"] if one["KeyType"] == "HASH"]
            return str(hashes[0])
    return str(known.get("pk_name") or "")


def _of_query(request: Mapping[str, Any], key: str) -> list[str]:
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    found = [
        values.get(value)
        for name, value in _EQUALS.findall(str(request.get("KeyConditionExpression") or ""))
        if names.get(name, name) == key
    ]
    legacy = (request.get("KeyConditions") or {}).get(key) or {}
    return [
        text for each in (*found, *legacy.get("AttributeValueList", ())) for text in _texts(each)
    ]


def _of_one(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give table and key of each item that a request for one table names."""
    table = _name(request.get("TableName"))
    key = _partition_key(table, request.get("IndexName"))
    named = request.get("Key") or request.get("Item")
    if isinstance(named, Mapping):
        for text in _texts(named.get(key)):
            yield table, text
    elif "KeyConditionExpression" in request or "KeyConditions" in request:
        for text in _of_query(request, key):
            yield table, text


def _of_batch(items: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for table, wanted in items.items():
        listed = wanted.get("Keys") if isinstance(wanted, Mapping) else wanted
        for each in listed or ():
            inner = next(iter(each.values())) if isinstance(wanted, list) else {"Key": each}
            yield from _of_one({**inner, "TableName": table})


def _name(table: Any) -> str:
    """Give a table's name, of which a request may have the ARN."""
    return str(table or "").rsplit("table/", 1)[-1].split("/")[0]


def leading_keys(body: bytes) -> Found:
    """Give the keys that the body of a request names, by table and action ("" for any)."""
    try:
        request = json.loads(body or b"{}")
    except (ValueError, TypeError):
        return {}
    found: Found = defaultdict(list)
    if not isinstance(request, dict):
        return {}
    for item in request.get("TransactItems") or ():
        for kind, part in item.items():
            action = _OF_A_TRANSACTION.get(kind, f"{kind}Item")
            for table, text in _of_one(part):
                found[table, action].append(text)
    batch = request.get("RequestItems")
    listed = _of_batch(batch) if isinstance(batch, Mapping) else _of_one(request)
    for table, text in listed:
        found[table, ""].append(text)
    return dict(found)


def apply() -> None:
    """Find the keys where the emulator reads a request, and give each check those of its table."""
    stock_context = iam_actions.dynamodb_service_context
    stock_enforce = iam_evaluator.enforce

    def context(body: bytes) -> dict[str, Any]:
        return {**stock_context(body), _FOUND: leading_keys(body)}

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        given = dict(service_context or {})
        found: Found = given.pop(_FOUND, {})
        table, action = _name(resource_arn), iam_action.partition(":")[2]
        if keys := found.get((table, action)) or found.get((table, "")):
            given[_KEY] = keys
        return stock_enforce(access_key_id, iam_action, service, region, resource_arn, given)

    iam_actions.dynamodb_service_context = context
    iam_evaluator.enforce = enforce
