"""Reads what a post-mortem is written from."""

from __future__ import annotations

import datetime
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
#: each status.
_BEFORE = datetime.timedelta(hours=1)
_LOOKED_AT = 100


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
        ``earlier``, ``target``; ``no cause`` and ``no child`` of what was only taken for one.
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
        child, cause = (record, other) if how == "cause" else (other, record)
        if how in ("cause", "child") and never_hung(child, cause):
            how = f"no {how}"
        found.append((how, other))
    others = (("earlier", _same_alert), ("target", _same_target))
    for how, others_of in others:
        known = {record["incident_id"], *(other["incident_id"] for _, other in found)}
        found += [
            (how, other)
            for other in others_of(account, record)
            if other["incident_id"] not in known
        ]
    return found


def _same_target(account: Account, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the latest incidents before this one whose runbook had a target of it in hand."""
    began, mine = moment(record.get("timestamp")), _locks(record)
    if began is None or not mine:
        return []
    table, since = account.incidents_table, written(began - _BEFORE)
    found: list[dict[str, Any]] = []
    with calling(f"earlier incidents of the same target could not be read from table {table}"):
        for status in incidents.STATUSES:
            answer = account.dynamodb.query(
                TableName=table,
                IndexName="by-status",
                KeyConditionExpression="#status = :status AND #at BETWEEN :since AND :mine",
                ExpressionAttributeNames={"#status": "status", "#at": "timestamp"},
                ExpressionAttributeValues={
                    ":status": {"S": status},
                    ":since": {"S": since},
                    ":mine": {"S": str(record["timestamp"])},
                },
                ScanIndexForward=False,
                Limit=_LOOKED_AT,
            )
            found += [incidents.plain(each) for each in answer["Items"]]
    held = [each for each in found if mine & {*(in_hand(each).get("locks") or [])}]
    held.sort(key=lambda each: str(each["timestamp"]), reverse=True)
    return held[:MOST_RELATED]


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
