"""Do the links of alerts lead anywhere, or to the examples that the rules are shipped with?"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, fine, note, warning
from srectl.operate.incidents import STATUSES, values_of
from srectl.operate.refusals import calling
from srectl.placeholders import leads_nowhere

__all__ = ["CHECK"]

_RECENT = datetime.timedelta(days=1)
# Of each status; what is shipped wrongly is wrong in each of them.
_LATEST = 20
_SHOWN = 3


def look(deployment: Deployment) -> Iterator[Finding]:
    """Look at the links of the latest incidents: what a sender is told to say shows only there."""
    shared = deployment.stack.parameter("SharedIncidentTable")
    table = shared or deployment.account.incidents_table
    incidents = [each for status in STATUSES for each in _latest(deployment, table, status)]
    dead: dict[str, str] = {}
    for incident in incidents:
        for link in (incident.get("links") or {}).values():
            if leads_nowhere(str(link)):
                dead.setdefault(str(incident.get("alert_name", "")), str(link))
    if not dead:
        yield fine(table, f"{len(incidents)} incidents of the last day, and no link to an example")
        return
    names = sorted(dead)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    what = (
        f"alerts {', '.join(names[:_SHOWN])}{more} link to a host that is an example, such as "
        f"{dead[names[0]]}: whoever is on call clicks on nothing"
    )
    if deployment.endpoint:
        yield note(table, what, "on AWS 'srectl install' asks where the pages are")
        return
    yield warning(
        table,
        what,
        "'srectl install --from monitoring --set RUNBOOKS_URL=https://…' for the rules of "
        "eks/monitoring; those of your own in their annotations runbook_url, dashboard_url. What "
        "events/ has to try it with is such an alert, too: it is forgotten here after a day",
    )


def _latest(deployment: Deployment, table: str, status: str) -> list[dict[str, Any]]:
    since = (deployment.now() - _RECENT).strftime("%Y-%m-%dT%H:%M:%SZ")
    with calling(f"the incidents could not be read from table {table}"):
        answer = deployment.account.dynamodb.query(
            TableName=table,
            IndexName="by-status",
            KeyConditionExpression="#status = :status AND #timestamp >= :since",
            ExpressionAttributeNames={"#status": "status", "#timestamp": "timestamp"},
            ExpressionAttributeValues={":status": {"S": status}, ":since": {"S": since}},
            ProjectionExpression="alert_name, links",
            ScanIndexForward=False,
            Limit=_LATEST,
        )
    return [values_of(item) for item in answer["Items"]]


CHECK = Check(
    "links",
    "the links of the latest incidents: whether they lead to an example",
    (
        Grant(
            ("dynamodb:Query",),
            "arn:{partition}:dynamodb:{region}:{account}:table/{prefix}sre-incidents/index/by-status",
        ),
    ),
    look,
)
