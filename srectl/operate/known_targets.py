"""Whether anything here has ever named a target, so that a mistyped one is not taken for granted.

A window of maintenance holds for whatever it names, also for what has no alert yet; so a target
that nobody knows is a warning and no refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate import catalogue, incidents
from srectl.operate.account import Account
from srectl.operate.refusals import calling
from srectl.operate.switches import held
from srectl.operate.track_record import in_hand

__all__ = ["LOOKED_AT", "doubt"]

#: Incidents of each status that are looked at.
LOOKED_AT = 500


def doubt(account: Account, target: str) -> str:
    """Say what speaks against a target being the one that is meant.

    Parameters
    ----------
    target
        ``namespace/name``, or ``/name`` of a node.

    Returns
    -------
    str
        Empty where an incident, the lock of one, or a runbook of the published catalogue names it.
        Where that could not be read, that it was not looked up.
    """
    try:
        known = set(_of_incidents(account)) | set(_of_runbooks(account))
    except CommandFailed as error:
        return f"whether {held(target)} is known was not looked up: {error.message}"
    if target in known:
        return ""
    name = target.rpartition("/")[2]
    near = sorted(each for each in known if each.rpartition("/")[2] == name)
    near = near or get_close_matches(target, sorted(known), n=3)
    meant = f"; did you mean {' or '.join(held(each) for each in near[:3])}?" if near else ""
    return (
        f"nothing here has named {held(target)} yet: no incident of the newest {LOOKED_AT} of each "
        f"status, and no runbook{meant}"
    )


def _of_incidents(account: Account) -> Iterator[str]:
    with calling(f"the incidents could not be read from table {account.incidents_table}"):
        for status in incidents.STATUSES:
            pages = account.dynamodb.get_paginator("query").paginate(
                TableName=account.incidents_table,
                IndexName="by-status",
                KeyConditionExpression="#status = :status",
                ProjectionExpression="target, in_hand",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":status": {"S": status}},
                ScanIndexForward=False,
                PaginationConfig={"MaxItems": LOOKED_AT, "PageSize": LOOKED_AT},
            )
            for item in (item for page in pages for item in page["Items"]):
                record = incidents.values_of(item)
                yield from _named(record.get("target"))
                for lock in in_hand(record).get("locks") or []:
                    # target#cluster#namespace#kind#name
                    parts = str(lock).split("#")
                    if len(parts) == 5:
                        yield f"{parts[2]}/{parts[4]}"


def _of_runbooks(account: Account) -> Iterator[str]:
    for one in catalogue.published(account.dynamodb, account.runbooks_table).values():
        steps = one.definition.get("steps")
        for part in (one.definition, *(steps if isinstance(steps, list) else [])):
            if isinstance(part, Mapping):
                yield from _named(part.get("target"))


def _named(target: Any) -> Iterator[str]:
    if isinstance(target, Mapping) and isinstance(target.get("name"), str):
        yield f"{target.get('namespace') or ''}/{target['name']}"
