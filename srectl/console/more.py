"""The pages beside the incidents: targets, numbers and queues."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Flask, abort, render_template, request

from srectl.console import history, plots
from srectl.console.past import begun_within
from srectl.console.reading import Reading, read_part
from srectl.operate import queues, spans
from srectl.operate.incidents import values_of
from srectl.operate.moments import moment
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

    @app.get("/numbers")
    def numbers() -> Any:
        return render_template("numbers.html", **of_numbers(reading))

    @app.get("/undelivered")
    def undelivered() -> Any:
        chosen = request.args.get("queue", "")
        return render_template("undelivered.html", **of_queues(reading, chosen))


def of_target(reading: Reading, target: dict[str, str]) -> dict[str, Any]:
    """Read what is known of a target: its lock and leases in one request, and the week's incidents.

    One request for up to five items, and the queries of :func:`srectl.console.past.begun_within`.
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
    records, more, problems = begun_within(reading, spans.NOISE)
    lock = (guards.value or {}).get(lock_key, {})
    now = reading.clock()
    until = moment(lock.get("lease_expires_at"))
    return {
        "target": target,
        "span": spans.words(spans.NOISE),
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


def of_numbers(reading: Reading) -> dict[str, Any]:
    """Read the numbers of seven days."""
    records, more, problems = begun_within(reading, spans.NOISE)
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
