"""The incidents of late, of one status, within bounds: never more is read than is said here."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from srectl.operate.incidents import CANARY, STATUSES, plain
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["Found", "recent", "since"]

# Records that one request of DynamoDB looks at; a full one may hold 1 MB of them.
_PAGE = 200


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes
    ----------
    records
        Newest first, without heartbeats.
    more
        Whether there may be others that were not looked at.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    more: bool = False


def recent(
    client: DynamoDBClient,
    table: str,
    status: str,
    since: datetime.datetime,
    *,
    most: int = 100,
    pages: int = 3,
) -> Found:
    """Give the incidents of a status whose alert began since a moment, newest first.

    Parameters
    ----------
    client
        DynamoDB client.
    table
        Name of the incident table, with its index ``by-status``.
    status
        One of :data:`srectl.operate.incidents.STATUSES`.
    since
        The earliest beginning.
    most
        Number of incidents at most.
    pages
        Requests at most, each of up to 200 records: heartbeats are looked at, too, and left out.

    Raises
    ------
    CommandFailed
        The table cannot be read.
    """
    found: list[dict[str, Any]] = []
    begin: dict[str, Any] = {}
    for _ in range(pages):
        with calling(f"the incidents could not be read from table {table}"):
            answer = client.query(
                TableName=table,
                IndexName="by-status",
                KeyConditionExpression="#status = :status AND #timestamp >= :since",
                FilterExpression="sender_name <> :canary",
                ExpressionAttributeNames={"#status": "status", "#timestamp": "timestamp"},
                ExpressionAttributeValues={
                    ":status": {"S": status},
                    ":since": {"S": f"{since:%Y-%m-%dT%H:%M:%S}"},
                    ":canary": {"S": CANARY},
                },
                ScanIndexForward=False,
                Limit=_PAGE,
                **begin,
            )
        found += [plain(item) for item in answer["Items"]]
        key = answer.get("LastEvaluatedKey")
        if len(found) >= most or not key:
            return Found(found[:most], bool(key) or len(found) > most)
        begin = {"ExclusiveStartKey": key}
    return Found(found, more=True)


def since(
    client: DynamoDBClient, table: str, begin: datetime.datetime, *, most: int = 2000
) -> Found:
    """Give the incidents of every status whose alert began since a moment, newest first.

    A query for each status, of ``most`` incidents and of a tenth as many requests at most.

    Raises
    ------
    CommandFailed
        The table cannot be read.
    """
    parts = [
        recent(client, table, status, begin, most=most, pages=max(1, most // 10))
        for status in STATUSES
    ]
    records = [each for part in parts for each in part.records]
    records.sort(key=lambda each: str(each["timestamp"]), reverse=True)
    return Found(records, any(part.more for part in parts))
