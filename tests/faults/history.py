"""What a campaign is judged from, and what a violation says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.journal import Entry
from tests.faults.kinds import Plan

__all__ = ["History", "Lock", "StepRun", "Violation"]


@dataclass(frozen=True)
class StepRun:
    """One execution of remediation-step, as Step Functions lists it.

    Parameters
    ----------
    incident : str
        For which incident.
    do : str
        ``plan``, ``execute``, ``undo`` or ``restore``.
    target : str
        ``kind/namespace/name`` of the object.
    start, stop : float
        Unix time in seconds.
    name : str
        Of the execution.
    """

    incident: str
    do: str
    target: str
    start: float
    stop: float
    name: str = ""


@dataclass(frozen=True)
class Lock:
    """An item of the guard table by which an incident holds something.

    Parameters
    ----------
    key : str
        The item's key.
    holders : tuple of str
        Incidents that hold it.
    """

    key: str
    holders: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """Everything that is known of a campaign, once all is healed and quiet.

    Parameters
    ----------
    plan : Plan
        What was planned.
    entries : sequence of Entry
        The journal: what was sent, answered, struck, and what became of the objects.
    fingerprints : mapping
        Fingerprint of an alert → number of its firing.
    records : sequence of mapping
        The incident records of the campaign's alerts.
    locks : sequence of Lock
        Locks and leases that are still held.
    queued : mapping
        Queue → the messages that are left in it.
    before, after : mapping
        Deployment → how its spec was and is (:func:`tests.faults.audit.seen_of`).
    steps : sequence of StepRun
        Every step of a remediation that ran.
    running : sequence of str
        Executions that still run.
    told : frozenset of str
        Incidents that somebody was told of as escalated.
    handed : frozenset of str
        Incidents whose change was handed to a human: told as escalated, and either abandoned or
        with an undo that failed. What they hold stays, for whoever was called to decide.
    """

    plan: Plan
    entries: Sequence[Entry]
    fingerprints: Mapping[str, int] = field(default_factory=dict)
    records: Sequence[Mapping[str, Any]] = ()
    locks: Sequence[Lock] = ()
    queued: Mapping[str, Sequence[str]] = field(default_factory=dict)
    before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    after: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: Sequence[StepRun] = ()
    running: Sequence[str] = ()
    told: frozenset[str] = frozenset()
    handed: frozenset[str] = frozenset()

    def of(self, what: str) -> list[Entry]:
        """Give the journal's entries of one kind."""
        return [entry for entry in self.entries if entry["what"] == what]


@dataclass(frozen=True, order=True)
class Violation:
    """One place where an invariant did not hold.

    Parameters
    ----------
    kind : str
        Which: ``lost``, ``doubled``, ``acted-twice``, ``two-hands``, ``stuck`` …
    about : str
        The incident's id, or the object or queue.
    what : str
        What was seen, in words.
    look_at : str
        Where to look next.
    """

    kind: str
    about: str
    what: str
    look_at: str
