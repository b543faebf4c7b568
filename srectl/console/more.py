"""The pages beside the incidents: targets, the catalogue, numbers, queues and switches."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

from flask import Flask, abort, render_template, request, url_for

from srectl.console import history, plots
from srectl.console.overview import OPEN
from srectl.console.reading import Reading, read_part
from srectl.operate import catalogue, queues
from srectl.operate.incidents import values_of
from srectl.operate.moments import moment
from srectl.operate.plans import shown_mode
from srectl.operate.track_record import Tally, tallies
from srectl.operate.trust import place_of
from srectl.steps import steps_of

__all__ = ["register"]

_NAME = re.compile(r"[0-9A-Za-z._:-]{1,253}")
_LENT_FIELDS = ("replicas", "minReplicas", "maxReplicas", "unschedulable")
_PEEKED = 20


def register(app: Flask, reading: Reading) -> None:
    """Add the pages."""

    @app.get("/target")
    def target() -> Any:
        given = {key: request.args.get(key, "") for key in ("cluster", "namespace", "kind", "name")}
        if not all(
            _NAME.fullmatch(each) for key, each in given.items() if each or key != "namespace"
        ):
            abort(404)
        return render_template("target.html", **of_target(reading, given))

    @app.get("/catalogue")
    def runbooks() -> Any:
        return render_template("catalogue.html", **of_catalogue(reading))

    @app.get("/numbers")
    def numbers() -> Any:
        return render_template("numbers.html", **of_numbers(reading))

    @app.get("/undelivered")
    def undelivered() -> Any:
        chosen = request.args.get("queue", "")
        return render_template("undelivered.html", **of_queues(reading, chosen))

    @app.get("/switches")
    def switches() -> Any:
        mode, windows = reading.together(reading.mode, reading.windows)
        now = reading.clock()
        return render_template(
            "switches.html", live=url_for("news"), mode=mode, windows=windows, now=now
        )


def of_target(reading: Reading, target: dict[str, str]) -> dict[str, Any]:
    """Read what is known of a target: its lock and leases in one request, and the week's incidents.

    One request for up to five items, and the queries of :func:`week`.
    """
    account = reading.account
    name = "#".join(target[key] for key in ("cluster", "namespace", "kind", "name"))
    lock_key = f"target#{name}"
    keys = [lock_key, *(f"lease#{name}#{field}" for field in _LENT_FIELDS)]

    def read() -> dict[str, dict[str, Any]]:
        answer = account.dynamodb.batch_get_item(
            RequestItems={
                account.guard_table: {"Keys": [{"guard_key": {"S": key}} for key in keys]}
            }
        )
        items = [values_of(each) for each in answer["Responses"].get(account.guard_table, [])]
        return {str(each["guard_key"]): each for each in items}

    guards = read_part(read)
    records, more, problems = week(reading)
    lock = (guards.value or {}).get(lock_key, {})
    now = reading.clock()
    until = moment(lock.get("lease_expires_at"))
    return {
        "target": target,
        "guards": guards,
        "holder": lock.get("holder") if until and until > now else None,
        "until": until,
        "acted": [moment(each) for each in reversed(_numbers(lock.get("history")))][:50],
        "leases": [
            (key.rpartition("#")[2], _lease(item))
            for key, item in (guards.value or {}).items()
            if key.startswith("lease#")
        ],
        "records": [each for each in records if _is(each.get("target"), target)],
        "guard": [
            (each.name, each.definition.get("guard") or {})
            for each in (reading.catalogue().value or {}).values()
            if any(_named(step["target"], target) for step in _steps(each.definition))
        ],
        "more": more,
        "problems": problems,
    }


def week(reading: Reading) -> tuple[list[dict[str, Any]], bool, list[Any]]:
    """Read the incidents of seven days: a query for each status, 2000 at most of what is over."""
    parts = reading.together(
        *(lambda status=status: reading.incidents(status) for status in OPEN), reading.week
    )
    since = reading.clock() - datetime.timedelta(days=7)
    records = [each for part in parts for each in (part.value.records if part.value else [])]
    recent = [each for each in records if (moment(each.get("timestamp")) or since) >= since]
    recent.sort(key=lambda each: str(each["timestamp"]), reverse=True)
    more = any(part.value.more for part in parts if part.value)
    return recent, more, [each for each in parts if each.problem]


def of_catalogue(reading: Reading) -> dict[str, Any]:
    """Read the published catalogue, which is as large as it was published, and the week.

    And the locks of the targets on which runbooks ran in it: a request for each hundred of them.
    """
    there, modes = reading.together(reading.catalogue, reading.own_modes)
    records, more, problems = week(reading)
    counted = tallies(records)
    standings = reading.trusted({lock for each in counted.values() for lock in each.targets})
    limit = reading.limit_of_trust().value
    rows = []
    for name, each in sorted((there.value or {}).items()):
        if each.answered_by or "evidence_only" in each.definition:
            continue
        mode = shown_mode(each.definition, modes.value or {})
        rows.append(
            {
                "name": name,
                "description": each.definition.get("description"),
                "actions": catalogue.actions_told(each.definition),
                "asks": any(step["approval"]["required"] for step in _steps(each.definition)),
                "mode": mode,
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
    return {"rows": rows, "more": more, "problems": [*unread, *problems]}


def of_numbers(reading: Reading) -> dict[str, Any]:
    """Read the week."""
    records, more, problems = week(reading)
    rows = history.days(records, reading.clock())
    alerts: dict[str, int] = {}
    for each in records:
        name = str(each.get("alert_name"))
        alerts[name] = alerts.get(name, 0) + 1
    return {
        "rows": rows,
        "more": more,
        "problems": problems,
        "size": (plots.WIDTH, plots.HEIGHT),
        "volume": plots.bars(rows, ("automation", "itself", "human", "open")),
        "mttr": plots.bars(rows, ("mttr",)),
        "share": plots.bars(rows, ("share",), most=100),
        "loudest": sorted(alerts.items(), key=lambda each: (-each[1], each[0]))[:10],
    }


def of_queues(reading: Reading, chosen: str) -> dict[str, Any]:
    """Read how full the queues are, and of one that is chosen up to 20 messages, which stay."""
    account = reading.account
    messages = None
    if chosen in queues.QUEUES:

        def read() -> list[dict[str, Any]]:
            found = queues.peek(account.sqs, chosen, account.prefix, _PEEKED)
            return [queues.describe(each) for each in found]

        messages = read_part(read)
    return {
        "queues": reading.queues(),
        "content": queues.CONTENT,
        "chosen": chosen if messages else "",
        "messages": messages,
    }


def _numbers(text: Any) -> list[float]:
    try:
        found = json.loads(text or "[]")
    except (TypeError, ValueError):
        return []
    return (
        [each for each in found if isinstance(each, int | float)] if isinstance(found, list) else []
    )


def _lease(item: dict[str, Any]) -> dict[str, Any]:
    try:
        kept = json.loads(item["lease"])
        return {"before": kept["before"], "set": kept["set"], "holders": sorted(kept["holders"])}
    except (KeyError, TypeError, ValueError):
        return {"before": None, "set": None, "holders": []}


def _is(found: Any, target: dict[str, str]) -> bool:
    return isinstance(found, dict) and all(
        (found.get(key) or "") == value for key, value in target.items()
    )


def _steps(definition: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        return steps_of(definition)
    except (KeyError, TypeError):  # published by hand
        return []


def _named(written: Any, target: dict[str, str]) -> bool:
    return isinstance(written, dict) and all(
        written.get(key) == target[key] for key in ("namespace", "kind", "name")
    )
