"""Erasing one incident: its record goes, and nothing that is delivered again brings it back."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from srectl.errors import CommandFailed
from srectl.operate.incidents import read
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: What of an incident no command can take out of its store, and how long it stays there.
REMAINS = (
    "the archive of the bus: its events, 7 days (no event can be taken out of an archive)",
    "logs of alert-ingest and the machines, the audit log: the retention of each log group",
    "execution histories of Step Functions: 90 days",
    "backups of the table: up to 35 days",
    "messages that were sent: with whoever received them",
)
# As long as the archive could bring the incident back, and some more.
_REMEMBERED_DAYS = 90


def erase(
    client: DynamoDBClient, table: str, guard: str, incident_id: str, now: datetime.datetime
) -> int:
    """Erase the record of one incident that is over.

    The guard keeps that it was erased, with its id and no text of the alert, so that a repetition
    or a replay does not write the record anew.

    Parameters
    ----------
    client
        DynamoDB client.
    table, guard
        Names of the incident table and of the guard.
    incident_id
        The incident.
    now
        The time.

    Returns
    -------
    int
        Number of items deleted.

    Raises
    ------
    CommandFailed
        There is no such incident, it is not over, or a write failed; the command may be repeated.
    """
    incident = read(client, table, incident_id)
    if incident.get("status") != "resolved":
        raise CommandFailed(
            f"incident {incident_id} is {incident.get('status')}, not resolved: it is not erased",
            "what works on it would write it again; an escalated one is closed with 'srectl "
            f"incidents resolve {incident_id} --reason ...'",
        )
    with calling(f"incident {incident_id} could not be erased"):
        client.update_item(
            TableName=guard,
            Key={"guard_key": {"S": f"incident#{incident_id}"}},
            UpdateExpression="SET erased_at = :at, incident_timestamp = "
            "if_not_exists(incident_timestamp, :started), expires_at = :expires",
            ExpressionAttributeValues={
                ":at": {"S": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
                ":started": {"S": incident["timestamp"]},
                ":expires": {
                    "N": str(int((now + datetime.timedelta(days=_REMEMBERED_DAYS)).timestamp()))
                },
            },
        )
        pages = client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ProjectionExpression="incident_id, #timestamp",
            ExpressionAttributeNames={"#timestamp": "timestamp"},
            ConsistentRead=True,
        )
        keys = [item for page in pages for item in page["Items"]]
        # What it hung on, and what was found about it.
        client.delete_item(TableName=guard, Key={"guard_key": {"S": f"relation#{incident_id}"}})
        for key in keys:
            client.delete_item(TableName=table, Key=key)
    return len(keys)
