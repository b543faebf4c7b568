"""What happened to an incident and stands beside its record: on the bus, at switches and locks.

The record keeps the last who took it and the last who gave it back; the audit log has all of them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from srectl.console.timeline import UNDO_ASKED, event, in_hand_because
from srectl.operate import paging
from srectl.operate.audit import data_of, is_one_moment, metadata_of
from srectl.operate.moments import moment
from srectl.operate.switch_history import Change, in_force
from srectl.operate.track_record import in_hand
from srectl.operate.trust import Standing, place_of

__all__ = ["of_audit", "of_kin", "of_switches", "of_trust", "places_of"]

Record = Mapping[str, Any]
Event = dict[str, Any]

#: Each type of an event that the record has an own moment for, too → the kind of that moment.
_SAME = {
    "incident.acknowledged": "taken",
    "incident.released": "released",
    "incident.closed": "closed",
    "incident.undo-asked": "undo asked",
    "incident.escalated": "escalated",
    "incident.climbed": "climbed",
}
_AUDIT = "audit log"
#: What else a pager hears → the kind of that moment.
_NO_CALL = {"acknowledge": "page taken", "resolve": "page ended"}


def of_audit(
    heard: Iterable[Mapping[str, Any]], told: Iterable[Event], record: Record
) -> Iterator[Event]:
    """Give what the bus heard of an incident and its record does not tell.

    Parameters
    ----------
    heard
        Its events in the audit log.
    told
        What the record tells.
    record
        The incident.
    """
    known = list(told)
    actions = {each.get("id") for each in known if each.get("id")}
    quiet: list[Event] = []
    for each in heard:
        kind, data = str(each.get("detail-type")), data_of(each)
        at = metadata_of(each).get("occurred_at")
        if kind == "action.completed":
            if data.get("action_id") not in actions:
                yield _action(at, data)
        elif kind == "incident.notified":
            yield event(at, "told", data.get("headline"), "platform", source=_AUDIT)
        elif kind == "incident.paged":
            called = data.get("action") == "trigger"
            name = "paged" if called else _NO_CALL.get(str(data.get("action")), "pager")
            words = paging.call_of(data) if called else paging.end_of(data)
            # Each page that an incident may have is ended by itself: said once, it is enough.
            said = [one for one in quiet if one["words"] == words and is_one_moment(at, one["at"])]
            if called or not said:
                yield (made := event(at, name, words, "platform", source=_AUDIT))
                quiet.append(made)
        elif kind == "incident.page-held":
            yield event(at, "page held", paging.held(at, data, record), "platform", source=_AUDIT)
        elif kind in _SAME and not _is_told(known, _SAME[kind], at):
            yield event(at, _SAME[kind], _words(kind, data), _who(data), source=_AUDIT)


def of_switches(
    found: Iterable[Change], record: Record, runbook: str, now: datetime.datetime
) -> Iterator[Event]:
    """Give the switches that touched an incident: those thrown while it lasted, and what held then.

    Parameters
    ----------
    runbook
        Name of the runbook that is for it; empty where there is none.
    """
    began = moment(record.get("timestamp"))
    if began is None:
        return
    ended = moment(record.get("closed_at")) or moment(record.get("resolved_at")) or now
    mine = [each for each in found if _concerns(each, record, runbook)]
    for each in in_force(mine, began):
        # That all was on before it began is no news.
        if each.window or each.value != "on":
            yield _switched(each, "held already")
    for each in mine:
        if began < each.at <= ended:
            yield _switched(each, "")


def of_trust(standings: Iterable[Standing], record: Record, runbook: str) -> Iterator[Event]:
    """Give who has let its runbook act by itself again on its targets since it began."""
    began = moment(record.get("timestamp"))
    for each in standings:
        at = moment(each.trusted.get("at"))
        if each.runbook == runbook and began and at and at >= began:
            words = (
                f"runbook {runbook} may act by itself on {place_of(each.lock)} again, after "
                f"{each.trusted.get('incidents')} that it was not seen to help"
            )
            yield event(each.trusted.get("at"), "trusted", words, each.trusted.get("by"))


def of_kin(kin: Iterable[Record], record: Record) -> Iterator[Event]:
    """Give when the incidents began that hang on it."""
    children = {str(each) for each in record.get("children") or ()}
    for each in kin:
        if str(each.get("incident_id")) in children and each.get("timestamp"):
            words = f"{each.get('alert_name')} hangs on it: {each.get('summary')}"
            yield event(each["timestamp"], "child", words, kin=each.get("incident_id"))


def places_of(record: Record) -> set[str]:
    """Name its targets as maintenance windows do: ``namespace/name``."""
    locks = [str(each).split("#") for each in in_hand(record).get("locks") or ()]
    found = {f"{parts[2]}/{parts[4]}" for parts in locks if len(parts) == 5}
    target = record.get("target")
    if isinstance(target, dict) and target.get("name"):
        found.add(f"{target.get('namespace') or ''}/{target['name']}")
    return found


def _concerns(change: Change, record: Record, runbook: str) -> bool:
    if not change.about:
        return True
    if change.window:
        return change.about in places_of(record)
    return bool(runbook) and change.about == runbook


def _switched(change: Change, why: str) -> Event:
    words = f"{change.words}; it {why} when this began" if why else change.words
    return event(
        change.at.isoformat(), "switched", words, change.by, source="history of the switch"
    )


def _action(at: Any, data: Mapping[str, Any]) -> Event:
    failed = data.get("status") == "failed"
    return event(
        at,
        "failed" if failed else str(data.get("operation")),
        data.get("summary"),
        data.get("runbook"),
        source=_AUDIT,
        action=data.get("action"),
        status=data.get("status"),
        approved_by=data.get("approved_by"),
    )


def _words(kind: str, data: Mapping[str, Any]) -> Any:
    if kind == "incident.climbed":
        return f"nobody has taken it: level {data.get('level')}, the {data.get('to')}, is told"
    return {
        "incident.acknowledged": in_hand_because(data.get("because")),
        "incident.released": "given back: nobody has it",
        "incident.closed": data.get("because"),
        "incident.undo-asked": UNDO_ASKED,
        "incident.escalated": data.get("reason"),
    }.get(kind)


def _who(data: Mapping[str, Any]) -> Any:
    return data.get("by") or "platform"


def _is_told(record: Iterable[Event], kind: str, at: Any) -> bool:
    return any(each["kind"] == kind and is_one_moment(at, each["at"]) for each in record)
