"""The catalogue, and each runbook's page with its switch and its record beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask, abort, render_template

from srectl.console.past import begun_within
from srectl.console.reading import Reading
from srectl.errors import CommandFailed
from srectl.operate import catalogue, runbook_switch, spans
from srectl.operate.plans import shown_mode
from srectl.operate.switch_history import RUNBOOK
from srectl.operate.switches import MOST_REASON
from srectl.operate.track_record import (
    Tally,
    is_planned_only,
    outcome,
    runbook_of,
    tallies,
)
from srectl.operate.trust import Standing, place_of

__all__ = ["NAME", "of_catalogue", "of_runbook", "register"]

#: As runbooks are called; one that was published by hand under another name has no page.
NAME = re.compile(r"[A-Za-z][0-9A-Za-z_-]{0,99}")
_MOST_RECORDS = 10
_MOST_CHANGES = 10


def register(app: Flask, reading: Reading) -> None:
    """Add the pages."""

    @app.get("/catalogue")
    def runbooks() -> Any:
        return render_template("catalogue.html", **of_catalogue(reading))

    @app.get("/catalogue/<name>")
    def runbook(name: str) -> Any:
        if not NAME.fullmatch(name):
            abort(404)
        return render_template("runbook.html", **of_runbook(reading, name))


def of_catalogue(reading: Reading) -> dict[str, Any]:
    """Read the published catalogue, which is as large as it was published, and the last 30 days.

    And the locks of the targets on which runbooks ran in them: a request for each hundred.
    """
    there, modes = reading.together(reading.catalogue, reading.own_modes)
    records, more, problems = begun_within(reading, spans.RECORD)
    counted = tallies(records)
    standings = reading.trusted({lock for each in counted.values() for lock in each.targets})
    limit = reading.limit_of_trust().value
    rows = []
    for name, each in sorted((there.value or {}).items()):
        if each.answered_by or "evidence_only" in each.definition:
            continue
        switchable = runbook_switch.find({name: each}, modes.value or {}, name)
        rows.append(
            {
                "name": name,
                "has_page": bool(NAME.fullmatch(name)),
                "description": each.definition.get("description"),
                "actions": catalogue.actions_told(each.definition),
                "asks": switchable.asks,
                "mode": shown_mode(each.definition, modes.value or {}),
                "answers": each.definition.get("answers") or [],
                "tally": counted.get(name, Tally()),
                "unhelped": [
                    (place_of(one.lock), len(one.unhelped), one.asks(limit))
                    for one in standings.value or []
                    if one.runbook == name and one.unhelped
                ],
            }
        )
    rows.sort(key=lambda each: (-each["tally"].ran, each["name"]))
    unread = [each for each in (there, modes, standings) if each.problem]
    span = spans.words(spans.RECORD)
    return {"rows": rows, "span": span, "more": more, "problems": [*unread, *problems]}


def of_runbook(reading: Reading, name: str) -> dict[str, Any]:
    """Read what is known of one runbook: what it does, how it is switched, and what came of it.

    The catalogue, the switches and their history, the last 30 days, and the locks of its targets in
    them.

    Raises
    ------
    CommandFailed
        The catalogue cannot be read.
    NotFound
        There is no such runbook.
    """
    there, modes, mode, changes = reading.together(
        reading.catalogue, reading.own_modes, reading.mode, reading.switched
    )
    if there.value is None:
        raise CommandFailed(there.problem, there.hint)
    try:
        found = runbook_switch.find(there.value, modes.value or {}, name)
    except CommandFailed:
        abort(404)
    records, more, problems = begun_within(reading, spans.RECORD)
    tally = tallies(records).get(name, Tally())
    standings, limit = reading.trusted(set(tally.targets)), reading.limit_of_trust().value
    known = {(each.runbook, each.lock): each for each in standings.value or []}
    return {
        "runbook": found,
        "most_reason": MOST_REASON,
        "span": spans.words(spans.RECORD),
        "kept": spans.words(spans.KEPT),
        "description": found.definition.get("description"),
        "switched": name in (modes.value or {}),
        # Unread, it is not known how it is switched: nothing is offered then.
        "is_known": modes.value is not None,
        "mode": mode,
        "tally": tally,
        "planned": sum(is_planned_only(each, name) for each in records),
        "targets": [
            _target(known.get((name, lock), Standing(name, lock)), each, limit, records)
            for lock, each in sorted(tally.targets.items(), key=lambda one: (-one[1].ran, one[0]))
        ],
        "limit": limit,
        "records": [each for each in records if _is_of(each, name)][:_MOST_RECORDS],
        "outcome": outcome,
        "changes": [
            each for each in changes.value or [] if (each.kind, each.about) == (RUNBOOK, name)
        ][:_MOST_CHANGES],
        "changes_problem": changes,
        "more": more,
        "problems": [
            *(each for each in (modes, mode, standings) if each.problem),
            *problems,
        ],
    }


def _target(
    standing: Standing, tally: Tally, limit: int | None, records: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    found = {str(each["incident_id"]): each for each in records}
    return {
        "place": place_of(standing.lock),
        "standing": standing,
        "asks": standing.asks(limit),
        "tally": tally,
        "unhelped": [(each, found.get(each)) for each in standing.unhelped],
    }


def _is_of(record: Mapping[str, Any], name: str) -> bool:
    return runbook_of(record) == name or any(
        each.get("runbook") == name for each in record.get("actions_taken") or ()
    )
