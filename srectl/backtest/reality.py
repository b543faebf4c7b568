"""What really became of an incident, and what stopped its runbook whatever the catalogue said."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from srectl.operate.leftovers import has_begun, was_denied
from srectl.operate.moments import moment
from srectl.operate.track_record import in_hand as hand_of
from srectl.operate.track_record import is_acted, lock_of, outcome, runbook_of

__all__ = ["Reality", "locks_of", "reality_of", "recorded_stop", "span_of", "stored_plan"]

Record = Mapping[str, Any]

#: Codes of escalations that say what kept all runbooks from acting, and how that is told.
_STOPS = {
    "flood": "flood",
    "maintenance": "maintenance window",
    "switched-off": "switched off",
}

#: Codes of escalations of what nobody allowed.
_NOT_ALLOWED = ("approval-denied", "approval-timeout")


@dataclass(frozen=True)
class Reality:
    """What is on record.

    Attributes
    ----------
    runbook
        The one that took the targets in hand; empty where none did.
    acted
        Whether it changed something.
    began
        Whether it may have changed something; not where it was denied, answered by nobody, or ended
        before it had begun to act. What did not begin is no attempt (``LetGoOf`` of the machines).
    ended
        Who ended the incident, as ``track_record.outcome`` says.
    code
        Why a human was called; empty where none was.
    """

    runbook: str
    acted: bool
    began: bool
    ended: str
    code: str

    @property
    def helped(self) -> bool:
        """Whether it was verified to be over with what the runbook did."""
        return self.ended == "automation"

    def __str__(self) -> str:
        """Say it in a few words."""
        did = f"{self.runbook} acted" if self.acted else "nothing done"
        ends = {"automation": "helped", "human": "a human ended it", "itself": "over by itself"}
        why = f" ({self.code})" if self.code else ""
        return f"{did}, {ends.get(self.ended, 'not over')}{why}"


def reality_of(record: Record) -> Reality:
    """Give what really became of an incident."""
    return Reality(
        runbook_of(record) or "",
        is_acted(record),
        _began(record),
        outcome(record),
        str(record.get("escalation_code") or ""),
    )


def _began(record: Record) -> bool:
    tried = [
        each for each in record.get("actions_taken") or [] if each.get("operation") == "execute"
    ]
    if any(not was_denied(each) for each in tried):
        return True
    return has_begun(record) and record.get("escalation_code") not in _NOT_ALLOWED


def recorded_stop(record: Record) -> str:
    """Say what would have stopped any runbook, too: it was so then; empty where nothing was."""
    code = str(record.get("escalation_code") or "")
    if code in _STOPS:
        return _STOPS[code]
    if record.get("caused_by") and not record.get("let_go_at"):
        return "hangs on another incident"
    return ""


def span_of(record: Record) -> tuple[float, float]:
    """Give from when to when an incident was worked on, as Unix time."""
    begin = moment(record.get("received_at")) or moment(record.get("timestamp"))
    start = begin.timestamp() if begin else 0.0
    ends = (record.get(each) for each in ("verified_at", "escalated_at", "resolved_at"))
    stops = [at.timestamp() for at in map(moment, ends) if isinstance(at, datetime.datetime)]
    return start, max([start, *stops])


def locks_of(record: Record) -> set[str]:
    """Give the targets that its runbook really had in hand, by their locks."""
    return {each for each in hand_of(record).get("locks") or [] if str(each).startswith("target#")}


def stored_plan(record: Record) -> list[dict[str, Any]]:
    """Give the changes that its runbook planned or made, as they are on record."""
    return [dict(each) for each in _changes(record)]


def _changes(record: Record) -> Iterator[Mapping[str, Any]]:
    seen: list[Any] = []
    for action in record.get("actions_taken") or []:
        result = action.get("result")
        planned = action.get("operation") in ("plan", "execute") and isinstance(result, dict)
        seen += (result.get("plan") or []) if planned else []
    approval = record.get("approval")
    if not seen and isinstance(approval, dict):
        seen = approval.get("plan") or []
    told = []
    for change in seen:
        if isinstance(change, dict) and change not in told:
            told.append(change)
            yield change


def lock_named(target: Mapping[str, Any]) -> str:
    """Name the lock of a target that an alert or a catalogue names whole; empty where not."""
    return lock_of(target) if target.get("kind") and target.get("name") else ""
