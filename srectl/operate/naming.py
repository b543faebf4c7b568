"""Which incident is meant: by the beginning of its id, or the worst that needs somebody.

The id is the table's partition key, which DynamoDB finds only whole. A beginning is looked for in
the index ``by-status`` instead, in the newest of each status: so many that a shift's are among
them, and so few that looking costs less than a hundredth of a cent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from srectl.errors import NoSuchIncident
from srectl.one_line import one_line
from srectl.operate import incidents
from srectl.operate.refusals import calling
from srectl.operate.unanswered import unanswered
from srectl.operate.urgency import severity_rank

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["LOOKED_AT", "SHORTEST", "asks", "full_id", "needing_somebody"]

#: Characters that the beginning of an id has at least.
SHORTEST = 4
#: Incidents of each status among which a beginning is looked for.
LOOKED_AT = 1000
_WHOLE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMED = 8  # candidates that are listed


def full_id(client: DynamoDBClient, table: str, given: str) -> str:
    """Give the whole id of the incident that is meant.

    Parameters
    ----------
    given
        An id, or at least :data:`SHORTEST` characters of its beginning. A whole one is not looked
        up: the command does that.

    Raises
    ------
    NoSuchIncident
        It is too short, or fits none or several.
    CommandFailed
        The table cannot be read.
    """
    wanted = given.strip().rstrip("…").lower()
    if _WHOLE.fullmatch(wanted):
        return wanted
    if len(wanted) < SHORTEST:
        raise NoSuchIncident(
            f"{one_line(given)!r} is too short for an incident: give {SHORTEST} characters of its "
            "id or more",
            "'srectl incidents list' shows the incidents there are",
        )
    fitting = [
        each for each in _newest(client, table) if str(each["incident_id"]).startswith(wanted)
    ]
    if not fitting:
        raise NoSuchIncident(
            f"no incident in table {table} begins with {one_line(wanted)!r}, among the newest "
            f"{LOOKED_AT} of each status",
            "'srectl incidents list' shows the incidents there are; an older one takes its whole "
            "id",
        )
    if len(fitting) > 1:
        more = len(fitting) - _NAMED
        raise NoSuchIncident(
            f"{one_line(wanted)!r} is the beginning of {len(fitting)} incidents, so nothing was "
            "done:\n"
            + "\n".join(_described(each) for each in fitting[:_NAMED])
            + (f"\n  and {more} more" if more > 0 else ""),
            "give more of the id",
        )
    return str(fitting[0]["incident_id"])


def needing_somebody(client: DynamoDBClient, table: str) -> dict[str, Any] | None:
    """Give the worst incident that waits for a human, the newest of these; None where none does.

    One waits that was escalated and that nobody has in hand, or whose runbook asks for approval;
    of these what somebody has taken comes last. Heartbeats are nobody's.

    Raises
    ------
    CommandFailed
        The table cannot be read.
    """
    waiting = [
        each
        for each in incidents.find(client, table, "escalated", LOOKED_AT)
        if not each.get("acknowledged_by")
    ]
    waiting += [
        each for each in incidents.find(client, table, "remediating", LOOKED_AT) if asks(each)
    ]
    waiting.sort(key=lambda each: str(each["timestamp"]), reverse=True)
    waiting.sort(key=severity_rank)
    untaken = [each for each in waiting if not each.get("acknowledged_by")]
    return next(iter(untaken or waiting), None)


def asks(incident: dict[str, Any]) -> bool:
    """Tell whether its runbook waits for an answer."""
    approval = unanswered(incident)
    return bool(approval and approval.get("token"))


def _newest(client: DynamoDBClient, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with calling(f"the incidents could not be read from table {table}"):
        for status in incidents.STATUSES:
            pages = client.get_paginator("query").paginate(
                TableName=table,
                IndexName="by-status",
                KeyConditionExpression="#status = :status",
                ProjectionExpression="incident_id, #timestamp, #status, alert_name, target",
                ExpressionAttributeNames={"#status": "status", "#timestamp": "timestamp"},
                ExpressionAttributeValues={":status": {"S": status}},
                ScanIndexForward=False,
                PaginationConfig={"MaxItems": LOOKED_AT, "PageSize": LOOKED_AT},
            )
            found += [incidents.values_of(item) for page in pages for item in page["Items"]]
    # An incident that changed its status between two queries is in both answers.
    by_id = {str(each["incident_id"]): each for each in found}
    return sorted(by_id.values(), key=lambda each: str(each["timestamp"]), reverse=True)


def _described(incident: dict[str, Any]) -> str:
    target = incident.get("target")
    place = target if isinstance(target, dict) else {}
    where = "/".join(str(place[key]) for key in ("namespace", "name") if place.get(key))
    words = (incident["timestamp"], incident.get("status"), incident.get("alert_name"), where)
    return one_line(
        f"  {incident['incident_id']}  " + " ".join(str(word) for word in words if word)
    )
