"""DynamoDB on demand: write and read units by the sizes of items, indexes included.

A write that its condition refuses is charged like one that is done, by the item that is there; a
transaction twice as much. Reads go by the whole items, whatever is projected: 4 KB a unit, a half
where it need not be consistent, two in a transaction. What the operator asks over the API is not
counted: that is whoever looks on, not the platform.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import dynamodb

from onemachine.aws.local_aws import OPERATOR_ACCESS_KEY_ID
from onemachine.aws.meter import Meter

_looked_on: ContextVar[bool] = ContextVar("looked_on", default=False)

_UNIT_BYTES = 4096
# Rows expire after so many months (RetentionDays of the machines).
_MONTHS_KEPT = 3
_REFUSED = ("ConditionalCheckFailedException", "TransactionCanceledException")

Operation = Callable[[dict[str, Any]], Any]


def read_units(sizes: int, *, consistent: bool) -> float:
    """Give the units of one read of so many bytes in all."""
    return max(1, math.ceil(sizes / _UNIT_BYTES)) * (1.0 if consistent else 0.5)


def _size(table: str, key: dict[str, Any]) -> int:
    found = dynamodb._tables.get(table)
    item = dynamodb._get_item_by_key(found, key) if found and key else None
    return dynamodb._item_size_bytes(item) if item else 0


def _months_kept(table: str) -> int:
    """Give for how many months a byte is paid for, copies in indexes included."""
    indexes = (dynamodb._tables.get(table) or {}).get("GlobalSecondaryIndexes") or []
    return _MONTHS_KEPT * (1 + len(indexes))


def _named(text: str, names: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in names.items() if name in text}


def _unprojected(data: dict[str, Any]) -> dict[str, Any]:
    """Give a query for the same items as a whole."""
    left = {key: each for key, each in data.items() if key != "ProjectionExpression"}
    text = " ".join(
        str(left.get(part, "")) for part in ("KeyConditionExpression", "FilterExpression")
    )
    names = _named(text, data.get("ExpressionAttributeNames") or {})
    left.pop("ExpressionAttributeNames", None)
    return {**left, **({"ExpressionAttributeNames": names} if names else {})}


def apply(meter: Meter) -> None:
    """Count where each operation passes, whether over the API or from a state machine."""
    stock = dynamodb.handle_request

    async def handle_request(method: str, path: str, headers: Any, *rest: Any) -> Any:
        credential = f"Credential={OPERATOR_ACCESS_KEY_ID}/"
        token = _looked_on.set(credential in str(headers.get("authorization", "")))
        try:
            return await stock(method, path, headers, *rest)
        finally:
            _looked_on.reset(token)

    dynamodb.handle_request = handle_request
    platform = _OfThePlatform(meter)
    _count_writes(platform)
    _count_reads(platform)


class _OfThePlatform:
    """Counts unless the operator asks."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def add(self, unit: str, amount: float = 1, of: str = "") -> None:
        """Count an amount of a unit, and of which table."""
        if not _looked_on.get():
            self._meter.add(unit, amount, of)


def _count_writes(meter: _OfThePlatform) -> None:
    stock_capacity = dynamodb._add_consumed_capacity

    def capacity(
        result: Any,
        data: dict[str, Any],
        table: str,
        write: bool = False,
        old_item: Any = None,
        new_item: Any = None,
        index_name: Any = None,
    ) -> None:
        if write:
            found: dict[str, Any] = {}
            asked = {"ReturnConsumedCapacity": "TOTAL"}
            stock_capacity(found, asked, table, write, old_item, new_item, index_name)
            meter.add("write_units", found["ConsumedCapacity"]["CapacityUnits"], of=table)
            grown = sum(
                sign * dynamodb._item_size_bytes(item)
                for sign, item in ((1, new_item), (-1, old_item))
                if item
            )
            meter.add("stored_byte_months", grown * _months_kept(table), of=table)
        stock_capacity(result, data, table, write, old_item, new_item, index_name)

    dynamodb._add_consumed_capacity = capacity
    for name in ("_put_item", "_update_item", "_delete_item"):
        setattr(dynamodb, name, _refusals_counted(meter, getattr(dynamodb, name)))
    dynamodb._transact_write_items = _counted_by_itself(meter, dynamodb._transact_write_items)
    dynamodb._batch_write_item = _counted_by_itself(meter, dynamodb._batch_write_item)


def _refusals_counted(meter: _OfThePlatform, stock: Operation) -> Operation:
    def operation(data: dict[str, Any]) -> Any:
        answer = stock(data)
        table = dynamodb._normalize_table_name(data.get("TableName", ""))
        meter.add("trail_events", of=table)
        if answer[0] >= 400 and _REFUSED[0] in str(answer[2]):
            size = _size(table, data.get("Key") or data.get("Item") or {})
            meter.add("write_units", dynamodb._capacity_kb(size), of=table)
        return answer

    return operation


def _counted_by_itself(meter: _OfThePlatform, stock: Operation) -> Operation:
    """Let the operation say what it has consumed, and take that out of its answer again."""

    def operation(data: dict[str, Any]) -> Any:
        wanted = data.get("ReturnConsumedCapacity", "NONE") != "NONE"
        status, headers, body = stock({**data, "ReturnConsumedCapacity": "TOTAL"})
        document = json.loads(body or "{}")
        if status >= 400 and _REFUSED[1] in str(document.get("__type")):
            for each in data.get("TransactItems", []):
                part = next(iter(each.values()))
                table = dynamodb._normalize_table_name(part.get("TableName", ""))
                size = _size(table, part.get("Key") or part.get("Item") or {})
                meter.add("write_units", 2 * dynamodb._capacity_kb(size), of=table)
        for each in document.get("ConsumedCapacity", []):
            meter.add("write_units", each["CapacityUnits"], of=each["TableName"])
            meter.add("trail_events", of=each["TableName"])
        if wanted or "ConsumedCapacity" not in document:
            return status, headers, body
        del document["ConsumedCapacity"]
        return status, headers, json.dumps(document, ensure_ascii=False).encode()

    return operation


def _count_reads(meter: _OfThePlatform) -> None:
    stock_get, stock_batch = dynamodb._get_item, dynamodb._batch_get_item
    stock_transact = dynamodb._transact_get_items

    def note(table: str, sizes: int, *, consistent: bool, times: int = 1) -> None:
        meter.add("read_units", times * read_units(sizes, consistent=consistent), of=table)

    def get_item(data: dict[str, Any]) -> Any:
        table = dynamodb._normalize_table_name(data.get("TableName", ""))
        size = _size(table, data.get("Key") or {})
        note(table, size, consistent=bool(data.get("ConsistentRead")))
        return stock_get(data)

    def batch(data: dict[str, Any]) -> Any:
        for name, each in (data.get("RequestItems") or {}).items():
            table = dynamodb._normalize_table_name(name)
            for key in each.get("Keys", []):
                note(table, _size(table, key), consistent=bool(each.get("ConsistentRead")))
        return stock_batch(data)

    def transact(data: dict[str, Any]) -> Any:
        for each in data.get("TransactItems", []):
            table = dynamodb._normalize_table_name(each["Get"]["TableName"])
            note(table, _size(table, each["Get"]["Key"]), consistent=True, times=2)
        return stock_transact(data)

    def several(stock: Operation) -> Operation:
        def operation(data: dict[str, Any]) -> Any:
            answer = stock(data)
            whole = stock(_unprojected(data)) if "ProjectionExpression" in data else answer
            if answer[0] == 200 and whole[0] == 200:
                items = json.loads(whole[2]).get("Items", [])
                sizes = sum(dynamodb._item_size_bytes(each) for each in items)
                table = dynamodb._normalize_table_name(data.get("TableName", ""))
                note(table, sizes, consistent=bool(data.get("ConsistentRead")))
            return answer

        return operation

    dynamodb._get_item, dynamodb._batch_get_item = get_item, batch
    dynamodb._transact_get_items = transact
    dynamodb._query, dynamodb._scan = several(dynamodb._query), several(dynamodb._scan)
