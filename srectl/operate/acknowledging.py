"""Say that somebody has an incident in hand, so that the pager goes on calling nobody else."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.operate import incidents, persons, reasons
from srectl.operate.account import Account
from srectl.operate.announcing import ACKNOWLEDGED, RELEASED, announce, stamp
from srectl.operate.hands import is_anothers, refused
from srectl.operate.moments import moment
from srectl.operate.refusals import calling

#: Characters of a reason.
MOST_REASON = 300


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
    tell_taken(account, record, now)
    return record


def tell_taken(account: Account, record: dict[str, Any], now: datetime.datetime) -> None:
    """Say on the bus who has an incident, by the record.

    Said again of the same taking it is the same event in all that counts, so that the notifier
    tells nobody twice; and an attempt that did not reach the bus is made up for.

    Raises
    ------
    CommandFailed
        The bus did not take it.
    """
    at = moment(record.get("acknowledged_at")) or now
    because = record.get("acknowledged_because")
    said = {"because": str(because)} if because else {}
    by = str(record["acknowledged_by"])
    announce(account, ACKNOWLEDGED, record, at, "run the command again", by=by, **said)


def noted(
    account: Account,
    incident_id: str,
    by: str,
    now: datetime.datetime,
    of_nobody_else: bool = False,
    because: str = "",
) -> dict[str, Any]:
    """Note in the record who has taken an incident, and tell nobody yet.

    Who has it already has it since then: noted again, nothing changes but the reason, if another
    one is given.

    Parameters
    ----------
    of_nobody_else
        Only if nobody else has it.
    because
        Why; up to :data:`MOST_REASON` characters of it, without secrets. Empty for no reason.

    Raises
    ------
    CommandFailed
        There is no such incident, it is over or somebody else's, or it could not be written.
    """
    incident = incidents.read(account.dynamodb, account.incidents_table, incident_id)
    had, because = incident.get("acknowledged_by"), reasons.kept(because, MOST_REASON)
    mine = bool(had) and persons.same(had, by)
    if incident.get("status") == "resolved" or (had and of_nobody_else and not mine):
        raise refused(incident, by, "take")
    if mine and because in ("", incident.get("acknowledged_because")):
        return incident
    if mine:
        change, values = "SET acknowledged_because = :because", {":had": str(had)}
        condition = " AND acknowledged_by = :had"
    else:
        change = "SET acknowledged_by = :by, acknowledged_at = :at"
        change += ", acknowledged_because = :because" * bool(because)
        change += " REMOVE acknowledged_because" * (not because)
        condition = " AND attribute_not_exists(acknowledged_by)" * of_nobody_else
        values = {":by": by, ":at": stamp(now)}
    if because:
        values[":because"] = because
    client = account.dynamodb
    with calling(f"incident {incident_id} could not be acknowledged"):
        try:
            answer = client.update_item(
                TableName=account.incidents_table,
                Key={name: {"S": str(incident[name])} for name in ("incident_id", "timestamp")},
                UpdateExpression=change,
                ConditionExpression=f"#status <> :resolved{condition}",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":resolved": {"S": "resolved"},
                    **{name: {"S": value} for name, value in values.items()},
                },
                ReturnValues="ALL_NEW",
            )
        except client.exceptions.ConditionalCheckFailedException:
            again = incidents.read(client, account.incidents_table, incident_id)
            meanwhile = again.get("acknowledged_by")
            if again.get("status") != "resolved" and meanwhile and persons.same(meanwhile, by):
                return again  # said twice at once
            raise refused(again, by, "take") from None
    return incidents.plain(answer["Attributes"])


def release(
    account: Account,
    incident_id: str,
    by: str,
    now: datetime.datetime,
    of_nobody_else: bool = False,
    knows: str = "",
) -> bool:
    """Give an incident back: nobody has it any more, and it is unacknowledged again.

    Parameters
    ----------
    by
        Who gives it back.
    of_nobody_else
        Only if it is his own; else whoever has it, it is nobody's then.
    knows
        But for whom is known to have it (:func:`srectl.operate.hands.taking`).

    Returns
    -------
    bool
        Whether somebody had it.

    Raises
    ------
    CommandFailed
        There is no such incident, it is over or somebody else's, or it could not be written or
        told.
    """
    client = account.dynamodb
    incident = incidents.read(client, account.incidents_table, incident_id)
    had = incident.get("acknowledged_by")
    others = of_nobody_else and is_anothers(incident, by, knows)
    if incident.get("status") == "resolved" or others:
        raise refused(incident, by, "give back")
    if not had:
        return False
    at = _after_all_before(incident, now)
    with calling(f"incident {incident_id} could not be given back"):
        try:
            answer = client.update_item(
                TableName=account.incidents_table,
                Key={name: {"S": str(incident[name])} for name in ("incident_id", "timestamp")},
                UpdateExpression="SET released_by = :by, released_at = :at "
                "REMOVE acknowledged_by, acknowledged_at, acknowledged_because",
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
            again = incidents.read(client, account.incidents_table, incident_id)
            raise refused(again, by, "give back") from None
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
