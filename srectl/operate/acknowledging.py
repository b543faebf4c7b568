"""Say that somebody has an incident in hand, so that the pager goes on calling nobody else."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate import incidents
from srectl.operate.account import Account
from srectl.operate.refusals import calling

_DETAIL_TYPE = "incident.acknowledged"


def acknowledge(
    account: Account, incident_id: str, by: str, now: datetime.datetime
) -> dict[str, Any]:
    """Note in the record who has taken an incident, and have the pager told.

    Parameters
    ----------
    by
        Who has taken it.
    now
        When.

    Returns
    -------
    dict
        The record as it is now.

    Raises
    ------
    CommandFailed
        There is no such incident, it is over, or it could not be written or told.
    """
    client = account.dynamodb
    incident = incidents.read(client, account.incidents_table, incident_id)
    key = {name: {"S": str(incident[name])} for name in ("incident_id", "timestamp")}
    with calling(f"incident {incident_id} could not be acknowledged"):
        try:
            answer = client.update_item(
                TableName=account.incidents_table,
                Key=key,
                UpdateExpression="SET acknowledged_by = :by, acknowledged_at = :at",
                ConditionExpression="#status <> :resolved",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":by": {"S": by},
                    ":at": {"S": _stamp(now)},
                    ":resolved": {"S": "resolved"},
                },
                ReturnValues="ALL_NEW",
            )
        except client.exceptions.ConditionalCheckFailedException:
            raise CommandFailed(
                f"incident {incident_id} is over, so there is nothing to take",
                f"'srectl incidents show {incident_id}' tells its story",
            ) from None
    record = incidents.plain(answer["Attributes"])
    with calling(
        f"incident {incident_id} is acknowledged in its record, but the pager was not told"
    ):
        told = account.events.put_events(Entries=[_entry(account, record, by, now)])
    if told["FailedEntryCount"]:
        raise CommandFailed(
            f"incident {incident_id} is acknowledged in its record, but the bus refused to tell "
            f"the pager: {told['Entries'][0].get('ErrorCode')}",
            "run the command again",
        )
    return record


def _entry(account: Account, record: dict[str, Any], by: str, now: datetime.datetime) -> Any:
    _, _, _, region, account_id, *_ = account.bus_arn.split(":")
    known = ("incident_id", "timestamp", "alert_name", "severity", "summary", "target")
    detail = {
        "metadata": {
            "event_id": str(uuid.uuid4()),
            "schema_version": "1",
            "alert_event": "IncidentAcknowledged",
            "occurred_at": _stamp(now),
            "received_at": _stamp(now),
            "account_id": account_id,
            "region": region,
            "correlation_id": record.get("correlation_id") or record["incident_id"],
        },
        "data": {**{name: record.get(name) for name in known}, "by": by},
    }
    return {
        "EventBusName": account.bus,
        "Source": "sre.operator",
        "DetailType": _DETAIL_TYPE,
        "Detail": json.dumps(detail),
    }


def _stamp(now: datetime.datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
