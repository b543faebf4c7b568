"""Reads what a post-mortem is written from."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from srectl.errors import CommandFailed
from srectl.operate import audit, evidence, incidents
from srectl.operate.account import Account
from srectl.operate.causes import never_hung
from srectl.operate.moments import moment
from srectl.operate.refusals import calling
from srectl.operate.switches import written
from srectl.operate.track_record import in_hand, lock_of

__all__ = ["Story", "read"]

Read = TypeVar("Read")

#: Incidents at most of each kind of relation that is looked up.
MOST_RELATED = 10
#: How long before this one another incident of its target is looked for, and among how many of
#: each status: so many requests of so many each.
_BEFORE = datetime.timedelta(hours=1)
_PAGE = 200
_PAGES = 5


@dataclass(frozen=True)
class Story:
    """All that is known of an incident.

    Parameters
    ----------
    record
        As :func:`srectl.operate.incidents.read` gives it.
    evidence
        The whole of it; empty where there is none.
    events
        Its events in the audit log, oldest first.
    related
        Other records, by how they are related: ``forerunner``, ``cause``, ``child``, ``joined``,
        ``follower``, ``earlier``, ``alike``, ``target``; ``no cause`` and ``no child`` of what was
        only taken for one.
    missing
        What could not be read, by its name, with the reason.
    """

    record: dict[str, Any]
    evidence: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    related: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def read(account: Account, incident_id: str) -> Story:
    """Read all that is known of an incident.

    What beside the record cannot be read is missing in the story, with its reason.

    Raises
    ------
    CommandFailed
        There is no such incident, or its record cannot be read.
    """
    record = incidents.read(account.dynamodb, account.incidents_table, incident_id)
    missing: dict[str, str] = {}

    def attempt(name: str, asked: Callable[[], Read], otherwise: Read) -> Read:
        try:
            return asked()
        except CommandFailed as refused:
            missing[name] = refused.message
            return otherwise

    heard = attempt("audit log", lambda: audit.heard(account, record), audit.Heard())
    if heard.more:
        count = len(heard.events)
        missing["rest of the audit log"] = f"only its first {count} events are told here"
    return Story(
        record,
        attempt("evidence", lambda: evidence.read(account, record), {}),
        heard.events,
        attempt("related incidents", lambda: _related(account, record), []),
        missing,
    )


def _related(account: Account, record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    named = [
        ("forerunner", record.get("forerunner")),
        ("cause", record.get("caused_by")),
        ("joined", record.get("attached_to")),
        *(("child", each) for each in sorted(record.get("children") or [])[:MOST_RELATED]),
    ]
    found = []
    for how, incident_id in named:
        if not incident_id:
            continue
        try:
            other = incidents.read(account.dynamodb, account.incidents_table, str(incident_id))
        except CommandFailed:
            other = {"incident_id": incident_id}  # erased or expired; that it was there is known
        is_over = how == "cause" and record.get("let_go_at") and never_hung(record, other)
        if is_over or (how == "child" and never_hung(other, record)):
            how = f"no {how}"
        found.append((how, other))
    before = _before(account, record)
    others = (
        ("follower", _joined_it(account, record)),
        ("earlier", _same_alert(account, record)),
        ("alike", _alike(before, record)),
        ("target", _same_target(before, record)),
    )
    for how, those in others:
        known = {record["incident_id"], *(other["incident_id"] for _, other in found)}
        found += [(how, other) for other in those if other["incident_id"] not in known]
    return found


def _joined_it(account: Account, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the incidents that joined the remediation of this one, the first of them."""
    began = moment(record.get("timestamp"))
    if began is None:
        return []
    # The alert of one that joined may have begun before; no record of this one names it.
    found = _begun(
        account,
        began - _BEFORE,
        None,
        filtered={
            "FilterExpression": "attached_to = :me",
            "values": {":me": {"S": str(record["incident_id"])}},
        },
    )
    return sorted(found, key=lambda each: str(each["timestamp"]))[:MOST_RELATED]


def _before(account: Account, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give what began within the hour before it, where it is known what it is about."""
    began = moment(record.get("timestamp"))
    if began is None or not (_locks(record) or _place(record)):
        return []
    return _begun(account, began - _BEFORE, str(record["timestamp"]))


def _same_target(before: list[dict[str, Any]], record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the latest incidents before this one whose runbook had a target of it in hand."""
    mine = _locks(record)
    return _latest([each for each in before if mine & {*(in_hand(each).get("locks") or [])}])


def _alike(before: list[dict[str, Any]], record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the latest before this one whose alert has its name and target, and other labels.

    One that was escalated before anything was planned never had that target in hand.
    """
    place = _place(record)
    same = [each for each in before if each.get("alert_name") == record.get("alert_name")]
    return _latest([each for each in same if place and _place(each) == place])


def _latest(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda each: str(each["timestamp"]), reverse=True)[:MOST_RELATED]


def _begun(
    account: Account,
    since: datetime.datetime,
    until: str | None,
    filtered: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Give incidents of any status that began in a time: of each status as many as are looked at.

    The latest of them, or where there is no end to it the first.
    """
    table, found = account.incidents_table, list[dict[str, Any]]()
    asked = dict(filtered or {})
    values = {":since": {"S": written(since)}, **asked.pop("values", {})}
    condition = "#status = :status AND #at >= :since"
    if until is not None:
        condition = "#status = :status AND #at BETWEEN :since AND :until"
        values[":until"] = {"S": until}
    with calling(f"related incidents could not be read from table {table}"):
        for status in incidents.STATUSES:
            pages = account.dynamodb.get_paginator("query").paginate(
                TableName=table,
                IndexName="by-status",
                KeyConditionExpression=condition,
                ExpressionAttributeNames={"#status": "status", "#at": "timestamp"},
                ExpressionAttributeValues={**values, ":status": {"S": status}},
                ScanIndexForward=until is None,
                PaginationConfig={"PageSize": _PAGE},
                **asked,
            )
            for page in itertools.islice(pages, _PAGES):
                found += [incidents.plain(each) for each in page["Items"]]
    return found


def _place(record: dict[str, Any]) -> str:
    """Name what an alert is about; empty where it names nothing."""
    target = record.get("target")
    if isinstance(target, dict) and target.get("kind") and target.get("name"):
        return lock_of(target)
    return str(record.get("subject") or "")


def _locks(record: dict[str, Any]) -> set[str]:
    target = record.get("target")
    locks = {str(each) for each in in_hand(record).get("locks") or []}
    if isinstance(target, dict) and target.get("kind") and target.get("name"):
        locks.add(lock_of(target))
    return {each for each in locks if each.startswith("target#")}


def _same_alert(account: Account, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the latest incidents of the same alert that began before this one."""
    if not record.get("fingerprint"):
        return []
    table = account.incidents_table
    with calling(f"earlier incidents of the same alert could not be read from table {table}"):
        answer = account.dynamodb.query(
            TableName=table,
            IndexName="by-fingerprint",
            KeyConditionExpression="fingerprint = :same AND #at < :mine",
            ExpressionAttributeNames={"#at": "timestamp"},
            ExpressionAttributeValues={
                ":same": {"S": record["fingerprint"]},
                ":mine": {"S": record["timestamp"]},
            },
            ScanIndexForward=False,
            Limit=MOST_RELATED,
        )
    return [incidents.plain(each) for each in answer["Items"]]
