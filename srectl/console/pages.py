"""The pages that are only looked at."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

from flask import Flask, Response, abort, redirect, render_template, request, url_for

from srectl.console import beside, story, timeline
from srectl.console.overview import OPEN, overview
from srectl.console.reading import Part, Reading
from srectl.operate import approvals, paging, unattended
from srectl.operate import evidence as evidences
from srectl.operate import incidents as records
from srectl.operate.at_work import AtWork
from srectl.operate.causes import never_hung
from srectl.operate.leftovers import left, state_of
from srectl.operate.plans import wanted_by
from srectl.operate.track_record import in_hand, outcome, runbook_of

__all__ = ["ID", "register"]

#: What an id may look like; others are asked of nobody.
ID = re.compile(r"[0-9a-zA-Z-]{1,64}")
_MOST_KIN = 12  # children that are read
_MOST_CHANGES = 8  # of a plan on the first screen; nobody answers there for one that is not whole


def register(app: Flask, reading: Reading) -> None:
    """Add the pages."""

    @app.get("/")
    def home() -> Any:
        seen = overview(reading)
        return render_template(
            "home.html", live=url_for("news"), most_changes=_MOST_CHANGES, **seen
        )

    @app.get("/incidents")
    def incidents() -> Any:
        given = listed(reading, request.args.get("status", ""))
        return render_template("incidents.html", live=url_for("news"), **given)

    @app.get("/incidents/<incident_id>")
    def incident(incident_id: str) -> Any:
        if not ID.fullmatch(incident_id):
            abort(404)
        whole = reading.whole_id(incident_id)
        if whole != incident_id:  # as the commands take one
            return redirect(url_for("incident", incident_id=whole))
        news = url_for("news", incident=incident_id)
        return render_template("incident.html", live=news, **one(reading, incident_id))

    @app.get("/incidents/<incident_id>/evidence")
    def whole_evidence(incident_id: str) -> Any:
        if not ID.fullmatch(incident_id):
            abort(404)
        record = records.shown(reading.incident(incident_id))
        whole = reading.evidence(record)
        return render_template(
            "evidence.html",
            record=record,
            whole=whole,
            written=_written,
            pictured=bool(whole.value and evidences.picture_of(whole.value)),
        )

    @app.get("/incidents/<incident_id>/picture.svg")
    def picture(incident_id: str) -> Any:
        if not ID.fullmatch(incident_id):
            abort(404)
        whole = reading.evidence(reading.incident(incident_id))
        drawn = evidences.picture_of(whole.value) if whole.value else ""
        if not drawn:
            abort(404)
        return Response(drawn, mimetype="image/svg+xml")


def _written(value: Any) -> str:
    """Write a part of the evidence; what is text already stays as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def listed(reading: Reading, status: str) -> dict[str, Any]:
    """Read the list: what is not over, or what is of one status, by severity.

    One query for each status that is shown, of 100 records (400 of the last 24 hours where it is
    over).
    """
    chosen = status if status in records.STATUSES else ""
    wanted = (chosen,) if chosen else OPEN
    parts = reading.together(
        *(
            reading.over if each == "resolved" else (lambda each=each: reading.incidents(each))
            for each in wanted
        )
    )
    by_severity: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for part in parts:
        for record in part.value.records if part.value else []:
            by_severity[str(record.get("severity"))].append(record)
    order = [*story.SEVERITIES, *sorted(set(by_severity) - {*story.SEVERITIES})]
    return {
        "status": chosen,
        "statuses": records.STATUSES,
        "groups": [
            (each, sorted(by_severity[each], key=lambda one: str(one["timestamp"]), reverse=True))
            for each in order
            if by_severity.get(each)
        ],
        "problems": [each for each in parts if each.problem],
        "more": any(each.value.more for each in parts if each.value),
        "hangs": records.hangs,
        "needs": story.needs_somebody,
    }


def _unattended(reading: Reading, record: dict[str, Any]) -> str:
    """Say why nothing acts on an incident for which nobody was called, by the catalogue of now."""
    if not unattended.is_unattended(record):
        return ""
    there = reading.catalogue()
    if there.value is None:
        return there.problem
    found = there.value.get(wanted_by(record))
    return unattended.why_unattended(record, found.definition if found else None)


def _nowhere(reading: Reading, record: dict[str, Any]) -> str:
    """Say why the alert leads to no object, where evidence found nothing."""
    noted = record["evidence"] if isinstance(record.get("evidence"), dict) else {}
    if not noted.get("key") or noted.get("findings"):
        return ""
    whole = reading.evidence(record)
    return whole.problem if whole.value is None else evidences.no_object(whole.value)


def _is_pictured(reading: Reading, record: dict[str, Any]) -> bool:
    """Say whether its evidence has numbers that can be drawn."""
    noted = record["evidence"] if isinstance(record.get("evidence"), dict) else {}
    whole = reading.evidence(record).value if noted.get("key") else None
    return bool(whole and evidences.picture_of(whole))


def _happened(reading: Reading, record: dict[str, Any]) -> dict[str, Any]:
    """Read what happened: of the record, the bus, the switches, its locks, and its kin.

    Up to ten requests to the audit log, six for the switches, one for its locks, and a query for
    each of its kin that is shown.
    """
    runbook = _runbook(reading, record)
    locks = {str(each).removeprefix("target#") for each in in_hand(record).get("locks") or ()}
    named = [record.get(each) for each in ("caused_by", "attached_to", "forerunner")]
    children = [str(each) for each in record.get("children") or ()]
    kin = list(dict.fromkeys(str(each) for each in (*named, *children[:_MOST_KIN]) if each))
    heard, switched, trusted, *others = reading.together(
        lambda: reading.heard(record),
        reading.switched,
        lambda: reading.trusted(locks) if locks else Part(),
        *(lambda each=each: reading.maybe(each) for each in kin),
    )
    known = {
        name: records.shown(each.value)
        for name, each in zip(kin, others, strict=True)
        if each.value
    }
    cause = known.get(str(record.get("caused_by")), {})
    no_cause = bool(record.get("let_go_at")) and never_hung(record, cause)
    told = timeline.events(record, no_cause)
    events = heard.value.events if heard.value else []
    return {
        "page_waits_until": paging.waits_until(events, record, reading.clock()),
        "events": timeline.in_order(
            (
                *told,
                *beside.of_audit(events, told, record),
                *beside.of_switches(switched.value or (), record, runbook, reading.clock()),
                *beside.of_trust(trusted.value or (), record, runbook),
                *beside.of_kin(known.values(), record),
            )
        ),
        "unheard": [each for each in (heard, switched, trusted) if each.problem],
        "heard_more": bool(heard.value and heard.value.more),
        "kin": known,
        "no_cause": no_cause,
        "children": children,
    }


def _runbook(reading: Reading, record: dict[str, Any]) -> str:
    """Name the runbook that is, or would have been, for an incident; empty where none is."""
    there = reading.catalogue().value or {}
    found = there.get(wanted_by(record))
    return runbook_of(record) or str((found.definition if found else {}).get("name") or "")


def one(reading: Reading, incident_id: str) -> dict[str, Any]:
    """Read one incident: one query, its evidence, and what is beside it (see :func:`_happened`).

    Of one at work also the steps that run now, and its lock.

    Raises
    ------
    CommandFailed
        There is none, or it cannot be read.
    """
    record = records.shown(reading.incident(incident_id))
    approval = record.get("approval")
    asked = story.is_asked(record)
    working = records.at_work(record)
    running = reading.running(record) if working else Part()
    found = running.value or AtWork()
    happened = _happened(reading, record)
    return {
        "running": found.step,
        "running_problem": running,
        "decided_by": found.decided_by,
        "ends_by": found.ends_by,
        "record": record,
        **happened,
        "asked": asked,
        "plan": approvals.plan_of(approval.get("plan")) if isinstance(approval, dict) else None,
        "at_work": story.step_now(record) if working else None,
        "unattended": _unattended(reading, record),
        "nowhere": _nowhere(reading, record),
        "pictured": _is_pictured(reading, record),
        "left": [] if working else left(record),
        "left_state": state_of(record),
        "is_being_undone": incident_id in (reading.being_undone([record]).value or ()),
        "lent": story.lends(record),
        "hangs": records.hangs(record),
        "needs": story.needs_somebody(record),
        "outcome": outcome(record),
        "by_hand": records.ended_by_hand(record),
    }
