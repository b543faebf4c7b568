"""Say that somebody has an incident in hand, so that the pager goes on calling nobody else."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate import incidents, persons
from srectl.operate.account import Account
from srectl.operate.announcing import ACKNOWLEDGED, RELEASED, announce, stamp
from srectl.operate.moments import moment
from srectl.operate.refusals import calling


def acknowledge(
    account: Account,
    incident_id: str,
    by: str,
    now: datetime.datetime,
    of_nobody_else: bool = False,
) -> dict[str, Any]:
    """Note in the record who has taken an incident, and have the pager told.

    Parameters
    ----------
    by
        Who has taken it.
    now
        When.
    of_nobody_else
        Only if nobody else has it.

    Returns
    -------
    dict
        The record as it is now.

    Raises
    ------
    CommandFailed
        There is no such incident, it is over or somebody else's, or it could not be written or
        told.
    """
    record = noted(account, incident_id, by, now, of_nobody_else)
    announce(account, ACKNOWLEDGED, record, now, "run the command again", by=by)
    return record


def noted(
    account: Account,
    incident_id: str,
    by: str,
    now: datetime.datetime,
    of_nobody_else: bool = False,
) -> dict[str, Any]:
    """Note in the record who has taken an incident, and tell nobody yet.

    Parameters
    ----------
    of_nobody_else
        Only if nobody else has it.

    Raises
    ------
    CommandFailed
        There is no such incident, it is over or somebody else's, or it could not be written.
    """
    client = account.dynamodb
    incident = incidents.read(client, account.incidents_table, incident_id)
    # Somebody's own is his by whichever way he took it, such as the button in Slack.
    had = str(incident.get("acknowledged_by"))
    mine = had if persons.same(had, by) else by
    key = {name: {"S": str(incident[name])} for name in ("incident_id", "timestamp")}
    with calling(f"incident {incident_id} could not be acknowledged"):
        try:
            answer = client.update_item(
                TableName=account.incidents_table,
                Key=key,
                UpdateExpression="SET acknowledged_by = :by, acknowledged_at = :at",
                ConditionExpression="#status <> :resolved"
                + " AND (attribute_not_exists(acknowledged_by) OR acknowledged_by = :mine)"
                * of_nobody_else,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":by": {"S": by},
                    ":at": {"S": stamp(now)},
                    ":resolved": {"S": "resolved"},
                    **({":mine": {"S": mine}} if of_nobody_else else {}),
                },
                ReturnValues="ALL_NEW",
            )
        except client.exceptions.ConditionalCheckFailedException:
            raise _refused(incidents.read(client, account.incidents_table, incident_id)) from None
    return incidents.plain(answer["Attributes"])


def release(account: Account, incident_id: str, by: str, now: datetime.datetime) -> bool:
    """Give an incident back: nobody has it any more, and it is unacknowledged again.

    Parameters
    ----------
    by
        Who gives it back; whoever has it, it is nobody's then.

    Returns
    -------
    bool
        Whether somebody had it.

    Raises
    ------
    CommandFailed
        There is no such incident, it is over, or it could not be written or told.
    """
    client = account.dynamodb
    incident = incidents.read(client, account.incidents_table, incident_id)
    if incident.get("status") == "resolved":
        raise _refused(incident)
    had = incident.get("acknowledged_by")
    if not had:
        return False
    at = _after_all_before(incident, now)
    with calling(f"incident {incident_id} could not be given back"):
        try:
            answer = client.update_item(
                TableName=account.incidents_table,
                Key={name: {"S": str(incident[name])} for name in ("incident_id", "timestamp")},
                UpdateExpression="SET released_by = :by, released_at = :at "
                "REMOVE acknowledged_by, acknowledged_at",
                ConditionExpression="#status <> :resolved AND acknowledged_by = :had",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":by": {"S": by},
                    ":at": {"S": stamp(at)},
                    ":had": {"S": str(had)},
                    ":resolved": {"S": "resolved"},
                },
                ReturnValues="ALL_NEW",
            )
        except client.exceptions.ConditionalCheckFailedException:
            raise _refused(incidents.read(client, account.incidents_table, incident_id)) from None
    record = incidents.plain(answer["Attributes"])
    announce(account, RELEASED, record, at, "the record needs nothing more", by=by)
    return True


def _after_all_before(incident: dict[str, Any], now: datetime.datetime) -> datetime.datetime:
    """Give the time of a call that is later than those before it, whatever the clock here says.

    By it the platform knows the last call from the one before, and who was told of which: given
    back by a clock that is behind, an incident would look as if all had been told already.
    """
    names = ("escalated_at", "acknowledged_at", "released_at")
    before = [moment(incident.get(name)) for name in names]
    latest = max((each for each in before if each), default=now)
    try:
        return max(now, latest + datetime.timedelta(milliseconds=1))
    except OverflowError:
        return now


def _refused(incident: dict[str, Any]) -> CommandFailed:
    incident_id = incident["incident_id"]
    if incident.get("status") == "resolved":
        return CommandFailed(
            f"incident {incident_id} is over, so there is nothing to take",
            f"'srectl incidents show {incident_id}' tells its story",
        )
    return CommandFailed(
        f"incident {incident_id} is in the hands of {incident.get('acknowledged_by')} since "
        f"{incident.get('acknowledged_at')}",
        f"talk to each other; 'srectl take {incident_id} --from-others' takes it all the same",
    )
