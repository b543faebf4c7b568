"""Say that somebody has an incident in hand, so that the pager goes on calling nobody else."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate import incidents
from srectl.operate.account import Account
from srectl.operate.announcing import ACKNOWLEDGED, announce, stamp
from srectl.operate.refusals import calling


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
                    ":at": {"S": stamp(now)},
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
    announce(account, ACKNOWLEDGED, record, now, "run the command again", by=by)
    return record
