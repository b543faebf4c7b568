"""From where an incident is to what it hangs on, by small rows that all incidents share.

Each incident leaves its name at its own place and at each place that may be its cause's, and reads
in the same write who was there before. So of two that belong together the later one always sees
the earlier: a child sees its cause, or a cause that comes late adopts its children. What is
written is the best cause so far, and never a worse one: in the end the rows say the same in
whatever order, and however often, incidents came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runbook_action.topology.causes import Known, cause_of, may_cause, over_before
from runbook_action.topology.reading import Topology


@dataclass(frozen=True)
class Mark:
    """That an incident was at a place.

    Attributes
    ----------
    own
        It is where the incident is; else where its cause may be.
    """

    known: Known
    own: bool


@dataclass(frozen=True)
class Relation:
    """What an incident hangs on.

    Attributes
    ----------
    cause
        Id of its cause; empty where it has none, or has been let go of that.
    suspect
        See ``reading.Topology``.
    children
        How many hang on it.
    """

    cause: str = ""
    cause_timestamp: str = ""
    cause_place: str = ""
    suspect: str = ""
    children: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the state machine reads it."""
        return {
            "caused_by": self.cause,
            "cause_timestamp": self.cause_timestamp,
            "cause_place": self.cause_place,
            "suspect": self.suspect,
            "children": self.children,
        }


class Places(Protocol):
    """The rows. Each call is one write or read of one row, and happens at one moment."""

    def settle(self, known: Known, topology: Topology) -> Known:
        """Write what is known of an incident; level and beginning that are there already stay."""

    def mark(self, place: str, known: Known, *, own: bool) -> Sequence[Mark]:
        """Leave a mark at a place, and give all that are there."""

    def hang(self, child: str, cause: Known) -> None:
        """Hang an incident on a cause, unless it has a better one or was let go."""

    def ended(self, incident_id: str) -> int | None:
        """Read when an incident ended, by its alert or because somebody closed it, in milliseconds
        since 1970; None as long as no end is known.
        """

    def relation(self, incident_id: str) -> Relation:
        """Read what an incident hangs on."""

    def stand_alone(self, incident_id: str) -> None:
        """Write that an incident leads to no place, so that nobody waits for what it hangs on."""


def relate_at(topology: Topology, incident: Known, places: Places, window_seconds: int) -> Relation:
    """Do what ``hang_at`` does, and read what the incident hangs on then."""
    hang_at(topology, incident, places, window_seconds)
    return places.relation(incident.incident_id)


def hang_at(topology: Topology, incident: Known, places: Places, window_seconds: int) -> None:
    """Hang an incident on its cause, and those on it of which it is the cause.

    Parameters
    ----------
    topology
        Where it is.
    window_seconds
        See ``causes.may_cause``.

    Raises
    ------
    RunbookActionError
        A row could not be written. Asked again it does the same.
    """
    incident = places.settle(incident, topology)
    here = places.mark(topology.place, incident, own=True)
    there = [
        mark.known
        for place in topology.above
        for mark in places.mark(place, incident, own=False)
        if mark.own
    ]
    # What befalls one node is one fault; two alerts on a workload may be two.
    equals = [mark.known for mark in here if mark.own] if incident.level == 0 else []
    candidates = [*there, *equals]
    while (cause := cause_of(incident, candidates, window_seconds)) is not None:
        if not over_before(places.ended(cause.incident_id), incident):
            places.hang(incident.incident_id, cause)
            break
        candidates = [each for each in candidates if each.incident_id != cause.incident_id]
    waiting = [mark.known for mark in here if not mark.own]
    children = [each for each in (*waiting, *equals) if may_cause(incident, each, window_seconds)]
    ended = places.ended(incident.incident_id) if children else None
    for each in children:
        if not over_before(ended, each):
            places.hang(each.incident_id, incident)
