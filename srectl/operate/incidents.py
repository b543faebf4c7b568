"""Incident records: find them, read one, close one that a human took care of."""

from __future__ import annotations

import datetime
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from srectl.errors import CommandFailed, NoSuchIncident
from srectl.operate.hands import is_anothers, refused
from srectl.operate.moments import moment
from srectl.operate.reasons import kept
from srectl.operate.refusals import calling
from srectl.operate.shapes import shaped
from srectl.operate.switches import written

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, UpdateTypeDef

    from srectl.operate.account import Account

#: Characters of a reason for closing.
MOST_REASON = 1000
STATUSES = ("open", "remediating", "escalated", "resolved")
#: Who sends the platform's own heartbeat, which is no incident of anybody's: the name that goes
#: with the canary's key (``alert_ingest.speakers``). What an alert is called anybody may say.
CANARY = "platform-canary"
# Requests at most for each status, and records that each looks at: of heartbeats alone there are
# as many in two weeks.
_PAGES, _PAGE = 25, 200
# Who holds the token can answer for the on-call engineer, so it is never shown.
HIDDEN = "(hidden)"
# What the table has as seconds since 1970: it deletes by one, and reckons with the other.
_SECONDS = ("expires_at", "resolved_at", "alert_ended_at")
# After each try of a transaction that others are in the way of, in seconds.
_PAUSES = (0.1, 0.3, 0.9)

_deserializer = TypeDeserializer()


def find(
    client: DynamoDBClient,
    table: str,
    status: str | None = None,
    limit: int = 20,
    *,
    heartbeats: bool = False,
) -> list[dict[str, Any]]:
    """Give the latest incidents, newest first, out of the newest 5000 records of each status.

    Parameters
    ----------
    client
        DynamoDB client.
    table
        Name of the incident table, with its index ``by-status``.
    status
        Only incidents of this status; None for any.
    limit
        Number of incidents at most.
    heartbeats
        Those of the platform's own heartbeat, too.

    Raises
    ------
    CommandFailed
        The table cannot be read.
    """
    own: dict[str, Any] = {"ExpressionAttributeValues": {}}
    if not heartbeats:
        own["FilterExpression"] = "sender_name <> :canary"
        own["ExpressionAttributeValues"] = {":canary": {"S": CANARY}}
    found: list[dict[str, Any]] = []
    with calling(f"the incidents could not be read from table {table}"):
        for one in (status,) if status else STATUSES:
            asked: dict[str, Any] = {
                **own,
                "ExpressionAttributeValues": {
                    ":status": {"S": one},
                    **own["ExpressionAttributeValues"],
                },
                "TableName": table,
                "IndexName": "by-status",
                "KeyConditionExpression": "#status = :status",
                "ExpressionAttributeNames": {"#status": "status"},
                "ScanIndexForward": False,
                "PaginationConfig": {"MaxItems": limit, "PageSize": _PAGE},
            }
            pages = itertools.islice(client.get_paginator("query").paginate(**asked), _PAGES)
            found += [plain(item) for page in pages for item in page["Items"]]
    return sorted(found, key=lambda incident: str(incident["timestamp"]), reverse=True)[:limit]


def read(client: DynamoDBClient, table: str, incident_id: str) -> dict[str, Any]:
    """Read one incident, its approval token included.

    Raises
    ------
    NoSuchIncident
        There is none.
    CommandFailed
        The table cannot be read.
    """
    with calling(f"incident {incident_id} could not be read from table {table}"):
        answer = client.query(
            TableName=table,
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
    if not answer["Items"]:
        raise NoSuchIncident(
            f"there is no incident {incident_id!r} in table {table}",
            "'srectl incidents list' shows the incidents there are",
        )
    return plain(answer["Items"][0])


def resolve(
    account: Account,
    incident_id: str,
    by: str,
    reason: str,
    now: datetime.datetime,
    of_nobody_else: bool = False,
    knows: str = "",
) -> dict[str, Any]:
    """Close an escalated incident by hand.

    Its end and MTTR are set only if the alert itself has not set them. The end is written where
    incidents are asked for theirs, too, in one transaction: nothing hangs on it from then on.

    Parameters
    ----------
    account
        Where its record is, and the guard table of who works on it.
    reason
        How it was settled; up to :data:`MOST_REASON` characters of it, without secrets.
    of_nobody_else
        Only if nobody else has it in hand.
    knows
        But for whom is known to have it (:func:`srectl.operate.hands.taking`).

    Returns
    -------
    dict
        The record as it is now.

    Raises
    ------
    CommandFailed
        No reason is given, there is no such incident, it is not escalated (any more), it is
        somebody else's, or the write failed.
    """
    reason = kept(reason, MOST_REASON)
    if not reason:
        raise CommandFailed("an incident is closed with a reason", "say how it was settled")
    client, table = account.dynamodb, account.incidents_table
    incident = read(client, table, incident_id)
    if of_nobody_else and is_anothers(incident, by, knows):
        raise refused(incident, by, "close")
    had = str(incident.get("acknowledged_by") or "") if of_nobody_else else ""
    mine = "acknowledged_by = :had" if had else "attribute_not_exists(acknowledged_by)"
    started = moment(incident["timestamp"])
    # Of a record whose beginning cannot be read nobody knows how long it took.
    lasted: dict[str, Any] = {}
    if started is not None:
        lasted = {":mttr": {"N": str(max(0, round((now - started).total_seconds())))}}
    record: UpdateTypeDef = {
        "TableName": table,
        "Key": {
            "incident_id": {"S": incident_id},
            "timestamp": {"S": incident["timestamp"]},
        },
        "UpdateExpression": "SET #status = :resolved, closed_by = :by, "
        "closed_reason = :reason, closed_at = :at, "
        "resolved_at = if_not_exists(resolved_at, :epoch)"
        + ", mttr_seconds = if_not_exists(mttr_seconds, :mttr)"
        * len(lasted),
        "ConditionExpression": "#status = :escalated AND "
        "(attribute_not_exists(in_flight) OR in_flight = abandoned)"
        + f" AND {mine}"
        * of_nobody_else,
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":resolved": {"S": "resolved"},
            ":escalated": {"S": "escalated"},
            ":by": {"S": by},
            ":reason": {"S": reason},
            ":at": {"S": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
            ":epoch": {"N": str(int(now.timestamp()))},
            **lasted,
            **({":had": {"S": had}} if had else {}),
        },
    }
    with calling(f"incident {incident_id} could not be closed"):
        if not _written(client, [{"Update": record}, _end(account, incident, now)]):
            incident = read(client, table, incident_id)
            if of_nobody_else and is_anothers(incident, by, knows):
                raise refused(incident, by, "close")
            status = str(incident.get("status"))
            busy = at_work(incident)
            if busy:
                hint = (
                    f"'srectl take {incident_id}' stops its runbook and makes it yours; close it "
                    "after that, or let the runbook close it"
                )
            elif status == "open" and incident.get("wakes") is False:
                hint = (
                    "nobody was called for it: it ends with its alert, or when that has not been "
                    "repeated for QuietMinutes"
                )
            elif status == "open":
                hint = (
                    "its runbook has not begun; 'srectl dlq list' shows whether its start is stuck"
                )
            else:
                hint = f"'srectl incidents show {incident_id}' tells its story"
            why = "and worked on" if busy and status == "escalated" else "not escalated"
            raise CommandFailed(
                f"incident {incident_id} is {status}, {why}, so it is not closed by hand", hint
            )
    return read(client, table, incident_id)


def _end(
    account: Account, incident: dict[str, Any], now: datetime.datetime
) -> TransactWriteItemTypeDef:
    """Write an end beside the incident's key, as the recorder does that of an alert."""
    kept_until = incident.get("expires_at")
    known = isinstance(kept_until, int | Decimal)
    expires: dict[str, Any] = {":expires": {"N": str(kept_until)}} if known else {}
    row: UpdateTypeDef = {
        "TableName": account.guard_table,
        "Key": {"guard_key": {"S": f"incident#{incident['incident_id']}"}},
        "UpdateExpression": "SET ended = if_not_exists(ended, :ended), "
        "incident_timestamp = if_not_exists(incident_timestamp, :timestamp)"
        + ", expires_at = if_not_exists(expires_at, :expires)"
        * len(expires),
        "ExpressionAttributeValues": {
            ":ended": {"N": str(round(now.timestamp() * 1000))},
            ":timestamp": {"S": incident["timestamp"]},
            **expires,
        },
    }
    return {"Update": row}


def _written(client: DynamoDBClient, items: Sequence[TransactWriteItemTypeDef]) -> bool:
    """Write all or nothing, and say whether the conditions held."""
    for pause in _PAUSES:
        try:
            client.transact_write_items(TransactItems=items)
        except client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            codes = {each.get("Code") for each in reasons}
            if "ConditionalCheckFailed" in codes:
                return False
            if "TransactionConflict" not in codes:
                raise
        else:
            return True
        time.sleep(pause)
    raise CommandFailed("others are writing to it at this moment", "say it again")


def hangs(incident: dict[str, Any]) -> bool:
    """Say whether it waits for another incident, its cause."""
    waits = incident.get("status") == "open" and incident.get("caused_by")
    return bool(waits) and not incident.get("let_go_at")


def climbed(incident: dict[str, Any]) -> list[dict[str, Any]]:
    """Give whom an incident was told to because nobody had taken it, oldest first.

    Returns
    -------
    list of dict
        Each with ``level`` (2 or 3), ``at``, ``since`` (since when nobody had it) and ``to`` (who,
        in words).
    """
    return list(incident.get("climbed") or [])


def investigations(incident: dict[str, Any]) -> list[dict[str, Any]]:
    """Give what investigators have answered about an incident, in the order in which it came.

    Every text is the investigator's own word: shown as that, and never taken for the platform's.

    Returns
    -------
    list of dict
        Each with ``by`` (its name), ``at``, ``summary``, ``findings``, ``suggestions`` and ``link``
        (None for none).
    """
    return list(incident.get("investigations") or [])


def answers_beyond(incident: dict[str, Any]) -> int:
    """Count what investigators answered beyond the five answers that a record keeps.

    Returns
    -------
    int
        Different answers of which nothing but their number is kept; a hundred are counted.
    """
    known = incident.get("investigation_ids")
    counted = len(known) if isinstance(known, list | set | tuple) else 0
    return max(0, counted - len(investigations(incident)))


def unacknowledged_since(incident: dict[str, Any]) -> str | None:
    """Say since when an incident waits for somebody to take it.

    Returns
    -------
    str or None
        When a human was called, or when it was given back if that was later; None where somebody
        has it, or nobody is needed.
    """
    if incident.get("status") != "escalated" or incident.get("acknowledged_by"):
        return None
    calls = (incident.get("escalated_at"), incident.get("released_at"))
    return max((str(each) for each in calls if each), default=None)


def ended_by_hand(incident: dict[str, Any]) -> bool:
    """Say whether its end is that of whoever closed it: that its alert ended nobody had heard.

    :func:`resolve` writes the same second to both; an end that was heard before stands as it is.
    """
    closed, end = moment(incident.get("closed_at")), moment(incident.get("resolved_at"))
    return closed is not None and end is not None and int(end.timestamp()) == closed.timestamp()


def ended_later(incident: dict[str, Any]) -> datetime.datetime | None:
    """Say when the alert of an incident ended that somebody had closed before that was heard."""
    return moment(incident.get("alert_ended_at")) if ended_by_hand(incident) else None


def fires_on(closed: dict[str, Any]) -> str:
    """Say what becomes of the alert of an incident that was just closed.

    Returns
    -------
    str
        Empty where its end was heard before (docs/adr/0012-an-alert-remembers-its-firing.md).
    """
    if not ended_by_hand(closed):
        return ""
    return (
        "its alert still fires, as far as anybody has heard: while this firing goes on nobody "
        "hears of it again; one that begins after now is a new incident"
    )


def at_work(incident: dict[str, Any]) -> bool:
    """Say whether a runbook works on it at the moment.

    An incident that a human was called for stays escalated while the runbook of a severity that has
    risen acts.
    """
    at_it = incident.get("in_flight")
    return incident.get("status") == "remediating" or (
        incident.get("status") == "escalated"
        and at_it is not None
        and at_it != incident.get("abandoned")
    )


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Turn a DynamoDB item into plain values of the shapes that readers rely on."""
    return readable(values_of(item))


def readable(incident: dict[str, Any]) -> dict[str, Any]:
    """Give a record of plain values, from wherever, the shapes that readers rely on.

    Texts that hold JSON are opened in what was taken in hand, in steps and in approvals.
    """
    if "in_hand" in incident:
        incident["in_hand"] = opened(incident["in_hand"])
    taken = incident.get("actions_taken")
    for step in taken if isinstance(taken, list) else []:
        for key in ("target", "step", "result", "error") if isinstance(step, dict) else ():
            step[key] = opened(step.get(key))
    approval = incident.get("approval")
    if isinstance(approval, dict):
        approval["plan"] = opened(approval.get("plan"))
    return shaped(incident)


def shown(incident: dict[str, Any]) -> dict[str, Any]:
    """Give a record as it may be shown: without the approval's token and signature."""
    approval = incident.get("approval")
    if not isinstance(approval, dict):
        return incident
    token = {"token": HIDDEN} if "token" in approval else {}
    first = {"first": {**approval["first"], "proof": HIDDEN}} if approval.get("first") else {}
    return {**incident, "approval": {**approval, **token, **first}}


def told(incident: dict[str, Any]) -> dict[str, Any]:
    """Give a record as other programs read it: as :func:`shown`, and every time in ISO 8601."""
    record = shown(incident)
    at = {name: moment(record[name]) for name in _SECONDS if record.get(name) is not None}
    return {**record, **{name: written(each) for name, each in at.items() if each}}


def opened(text: Any) -> Any:
    """Decode a text that holds JSON; anything else stays as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def values_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Turn DynamoDB's typed values into plain ones that are JSON."""
    values: dict[str, Any] = _plain({key: _deserializer.deserialize(item[key]) for key in item})
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in value}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, set):
        return sorted(_plain(item) for item in value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
