"""Which incidents of a firing are recurrences: what fires on long after its end is another one.

A plan that a slow machine carries out late tells of firings minutes after their ends. Lateness
alone excuses nothing, though. The id of a recurrence is made of its forerunner's and of that one's
end (docs/adr/0012-an-alert-remembers-its-firing.md), and both are known here without the platform.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from tests.faults.bodies import written
from tests.faults.history import History
from tests.faults.journal import Entry

__all__ = ["of"]

#: As ``alert_ingest.identity`` has it, which must never change.
_NAMESPACE = uuid.UUID("6f1c1c54-6d3e-5f0a-9a55-0c9f6f3f4b11")

#: A firing that is told this soon after its end goes on in its incident.
_WINDOW_SECONDS = 300.0
#: And one that is told this soon after its end was heard, whatever the clocks say.
_JUST_HEARD_SECONDS = 60.0


def of(history: History, number: int, answers: Sequence[tuple[str, int, Entry]]) -> set[str]:
    """Give the incidents of a firing that are rightly others, as it went on after its end.

    Parameters
    ----------
    history : History
        With the campaign's beginning in its first entry.
    number : int
        Of the firing.
    answers : sequence of tuple
        Incident, firing's number and answer of each delivery that was taken
        (:func:`tests.faults.checker.accepted`).
    """
    firing = history.plan.firings[number]
    first = history.entries[0]
    began = float(first.get("origin", first["at"]))
    end = firing.ends_at + firing.skew
    told = [
        entry["at"]
        for entry in (*history.of("sent"), *history.of("answered"))
        if number in entry["firings"] and entry["status"] == "resolved" and not entry.get("forged")
    ]
    if not told:
        return set()
    # Nothing was received later than it was answered, and no end heard before it was sent.
    since = max(began + end + _WINDOW_SECONDS, min(told) + _JUST_HEARD_SECONDS)
    mine = [(incident, entry["at"]) for incident, about, entry in answers if about == number]
    derived = {_recurrence_of(incident, written(began, end)) for incident, _ in mine}
    too_early = {incident for incident, at in mine if at < since}
    return derived - too_early


def _recurrence_of(forerunner: str, ended: str) -> str:
    named = json.dumps(["incident", "recurrence", forerunner, ended])
    return str(uuid.uuid5(_NAMESPACE, named))
