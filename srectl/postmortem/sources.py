"""Reads what a post-mortem is written from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from srectl.errors import CommandFailed
from srectl.operate import audit, evidence, incidents
from srectl.operate.account import Account
from srectl.operate.refusals import calling

__all__ = ["Story", "read"]

Read = TypeVar("Read")

#: Incidents at most of each kind of relation that is looked up.
MOST_RELATED = 10


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
        ``earlier``.
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
        found.append((how, other))
    known = {record["incident_id"], *(other["incident_id"] for _, other in found)}
    for other in _same_alert(account, record):
        if other["incident_id"] not in known:
            found.append(("earlier", other))
    return found


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
