"""What became of each runbook's remediations, counted once for the console and the commands."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from srectl.operate.aftermath import BEGUN, UNDER_WAY, standing_of
from srectl.operate.incidents import opened
from srectl.operate.leftovers import has_begun

__all__ = [
    "Tally",
    "in_hand",
    "is_acted",
    "is_planned_only",
    "lock_of",
    "outcome",
    "runbook_of",
    "tallies",
]

Record = Mapping[str, Any]

_TARGET = "target#"


@dataclass
class Tally:
    """What became of the remediations of one runbook, or of those on one target.

    Attributes
    ----------
    ran
        Incidents whose targets it took in hand.
    acted
        Those of them for which it changed something, or was stopped while it may have.
    helped
        Those that were verified to be over with it: alert and target.
    undone
        Those for which it took something back.
    escalated
        Those for which a human was called.
    under_way
        Those of which nobody knows yet.
    mttr_seconds
        Median time from the beginning of the alert to its end, of those that it helped; None where
        there is none.
    saved_seconds
        How much sooner than usual these were over in all: usual is the median MTTR of those of the
        same alert that a human ended. None where there is none of them.
    targets
        The same of each target, by the name of its lock without ``target#``.
    """

    ran: int = 0
    acted: int = 0
    helped: int = 0
    undone: int = 0
    escalated: int = 0
    under_way: int = 0
    saved_seconds: float | None = None
    targets: dict[str, Tally] = field(default_factory=dict)
    _times: list[float] = field(default_factory=list, repr=False)

    @property
    def mttr_seconds(self) -> float | None:
        return statistics.median(self._times) if self._times else None

    def as_json(self) -> dict[str, Any]:
        """Give it for other programs; ``targets`` only where there are any."""
        named = ("ran", "acted", "helped", "undone", "escalated", "under_way", "mttr_seconds")
        told: dict[str, Any] = {each: getattr(self, each) for each in (*named, "saved_seconds")}
        if self.targets:
            told["targets"] = {name: each.as_json() for name, each in sorted(self.targets.items())}
        return told

    def _count(self, record: Record, usual: Sequence[float]) -> None:
        ended = outcome(record)
        helped = ended == "automation"
        self.ran += 1
        self.acted += is_acted(record)
        self.helped += helped
        self.undone += any(each.get("operation") == "undo" for each in _done(record))
        self.escalated += bool(record.get("escalated_at"))
        self.under_way += ended == "open" and not record.get("escalated_at")
        if not helped:
            return
        mine = _mttr(record)
        self._times += mine
        if mine and usual:
            gained = max(0, statistics.median(usual) - mine[0])
            self.saved_seconds = (self.saved_seconds or 0) + gained


def tallies(records: Iterable[Record]) -> dict[str, Tally]:
    """Count what became of each runbook's remediations, by its name.

    Parameters
    ----------
    records
        Incidents, as `srectl.operate.incidents.plain` gives them.
    """
    records = list(records)
    usual: dict[str, list[float]] = defaultdict(list)
    for each in records:
        if outcome(each) == "human":
            usual[str(each.get("alert_name"))] += _mttr(each)
    found: dict[str, Tally] = {}
    for record in records:
        name = runbook_of(record)
        if name is None:
            continue
        others = usual[str(record.get("alert_name"))]
        whole = found.setdefault(name, Tally())
        whole._count(record, others)
        for target in _targets(record):
            whole.targets.setdefault(target, Tally())._count(record, others)
    return found


def in_hand(record: Record) -> dict[str, Any]:
    """Give what the runbook took in hand: its name, locks and steps."""
    found = opened(record.get("in_hand"))
    return found if isinstance(found, dict) else {}


def runbook_of(record: Record) -> str | None:
    """Give the runbook that took an incident's targets in hand; None where none did."""
    name = in_hand(record).get("runbook")
    if name is None:  # records from before it was written there
        name = next((each.get("runbook") for each in _done(record)), None)
    return str(name) if name else None


def outcome(record: Record) -> str:
    """Say who ended an incident: ``automation``, ``human``, ``itself``, or ``open``.

    A human ended what one has closed, or had in hand when it ended. That somebody was called is not
    enough: where nobody had it in hand the alert ended by itself, whatever had been tried. And one
    for which a human was called is the automation's all the same, where a runbook of a severity
    that had risen ended it and saw to it that it is over.

    The morning digest counts by the same rule (``ended`` of its states).
    """
    if record.get("status") != "resolved":
        return "open"
    if record.get("closed_by"):
        return "human"
    if is_acted(record) and (record.get("verified_at") or not record.get("escalated_at")):
        return "automation"
    return "human" if record.get("acknowledged_by") else "itself"


def is_acted(record: Record) -> bool:
    """Say whether a runbook changed something for it, or was stopped while it may have."""
    if any(each.get("operation") == "execute" for each in _done(record)):
        return True
    if not record.get("abandoned") or not has_begun(record):
        return False
    return any(standing_of(dict(record), each) in (BEGUN, UNDER_WAY) for each in _steps(record))


def is_planned_only(record: Record, name: str) -> bool:
    """Say whether a runbook said what it would do, and took nothing in hand."""
    return runbook_of(record) != name and any(
        each.get("runbook") == name and each.get("operation") == "plan"
        for each in record.get("actions_taken") or ()
    )


def lock_of(target: Mapping[str, Any]) -> str:
    """Name the lock of a target as a step has it, as ``runbook_action.resolve.lock_of`` does."""
    parts = [str(target.get(key) or "") for key in ("cluster", "namespace", "kind", "name")]
    return "#".join(["target", *parts])


def _done(record: Record) -> list[dict[str, Any]]:
    return [
        each
        for each in record.get("actions_taken") or []
        if each.get("status") == "succeeded" and each.get("operation") in ("execute", "undo")
    ]


def _steps(record: Record) -> list[dict[str, Any]]:
    return [each for each in in_hand(record).get("steps") or [] if isinstance(each, dict)]


def _targets(record: Record) -> set[str]:
    """Name what was in hand; of a pod its workload, for the next pod has another name."""
    hand = in_hand(record)
    found = [each.get("target") for each in (*_steps(record), *_done(record))]
    locks = {lock_of(each) for each in found if isinstance(each, dict)}
    locks |= {str(each) for each in hand.get("locks") or [] if str(each).startswith(_TARGET)}
    names = {each.removeprefix(_TARGET) for each in locks}
    return {each for each in names if "#pod#" not in each} or names


def _mttr(record: Record) -> list[float]:
    seconds = record.get("mttr_seconds")
    return [seconds] if isinstance(seconds, int | float) else []
