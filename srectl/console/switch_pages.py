"""The page of the switches: the whole automation, maintenance windows, and who switched what."""

from __future__ import annotations

from typing import Any

from flask import Flask, render_template, url_for

from srectl.console import story
from srectl.console.catalogue_pages import NAME
from srectl.console.overview import OPEN
from srectl.console.reading import Reading
from srectl.operate import incidents

__all__ = ["of_switches", "register"]

_MOST_CHANGES = 30


def register(app: Flask, reading: Reading) -> None:
    """Add the page."""

    @app.get("/switches")
    def switches() -> Any:
        return render_template("switches.html", live=url_for("news"), **of_switches(reading))


def of_switches(reading: Reading) -> dict[str, Any]:
    """Read how everything is switched, and what letting runbooks act would fall upon.

    Three parameters with their histories, the catalogue, the last heartbeats, and a query for each
    status that is not over.
    """
    *parts, mode, windows, own, changes, canary = reading.together(
        *(lambda status=status: reading.incidents(status) for status in OPEN),
        reading.mode,
        reading.windows,
        reading.own_modes,
        reading.switched,
        reading.canary,
    )
    records = [each for part in parts if part.value for each in part.value.records]
    switched = changes.value or []
    now = reading.clock()
    return {
        "mode": mode,
        "windows": windows,
        "now": now,
        "own": own,
        "single": [
            (name, value, bool(NAME.fullmatch(name)))
            for name, value in sorted((own.value or {}).items())
        ],
        "switched": switched[:_MOST_CHANGES],
        "switched_problem": changes,
        "last": next((each for each in switched if each.kind == "mode"), None),
        "canary": canary,
        "waiting": sum(map(story.needs_somebody, records)),
        "working": sum(incidents.at_work(each) and not story.is_asked(each) for each in records),
        "open": len(records),
        "more": any(part.value.more for part in parts if part.value),
        "problems": [each for each in parts if each.problem],
    }
