"""What an alert is once it no longer matters who sent it.

These are the words the rest of the package speaks: senders produce an `Alert`, `events` turns it
into a bus entry. Nothing here knows HTTP, AWS or a sender's format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

Severity = Literal["critical", "warning", "info"]
Status = Literal["firing", "resolved"]
Purpose = Literal["alert", "test", "canary"]
TargetKind = Literal["deployment", "node"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a runbook may act on.

    Attributes
    ----------
    cluster
        Value of the ``cluster`` label; None lets the runbook use its default cluster.
    namespace
        Namespace of a deployment; None for a node.
    kind, name
        Both set, or both None when the labels name nothing that can be acted on.
    """

    cluster: str | None = None
    namespace: str | None = None
    kind: TargetKind | None = None
    name: str | None = None


@dataclass(slots=True)  # not frozen, though nobody changes one: it would take 3 us longer to make
class Alert:
    """One alert in the common form; every text in it is clean, bounded and free of secrets.

    Attributes
    ----------
    incident_id
        UUIDv5, the same for every delivery of the same firing (see `identity`).
    occurred_at
        When the sender says this happened: start of a firing, end of a resolved alert.
    started_at
        Start of the firing; None only where the sender does not know (a Datadog recovery).
    ended_at
        End of the firing; None while it fires or where the sender does not say.
    notes
        What had to be assumed while reading: the warnings of the incident, without quotes from the
        alert that are longer than a name.
    purpose
        ``test`` for what a sender's test button sends: recorded, and nobody is called.
    alert_key
        What fires, without since when (see `firings`); empty for an alert whose start alone names
        its incident.
    forerunner
        The incident of which this one is a recurrence; None for any other.
    end_unknown
        Whether its end could not be noted: then it has to be told again, or the alert's next firing
        would join the incident that this end closes (see `firings`).
    notice
        Something to know of and nothing to repair: it is recorded and told, and selects no runbook.
    told_once
        Whether the sender tells each beginning and each end once and repeats nothing: an older
        start is a late delivery, and silence is no end.
    begins
        Of such a sender: whether what is told is itself the change into firing. Then a later start
        is another firing, also where the end before it is late or lost.
    only_if_known
        An end that counts for a firing that is known and says nothing where none is: an alarm that
        has its first data was not firing before.
    moot
        Such an end, where no firing is known: nothing is told of it.
    """

    sender: str
    incident_id: str
    fingerprint: str
    alert_name: str
    severity: Severity
    status: Status
    occurred_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    runbook: str | None
    summary: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    links: Mapping[str, str]
    target: Target
    notes: tuple[str, ...] = ()
    purpose: Purpose = "alert"
    alert_key: str = ""
    forerunner: str | None = None
    end_unknown: bool = False
    notice: bool = False
    told_once: bool = False
    begins: bool = False
    only_if_known: bool = False
    moot: bool = False

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from start to end; None if either is unknown or the clocks contradict."""
        if self.started_at is None or self.ended_at is None or self.ended_at < self.started_at:
            return None
        return round((self.ended_at - self.started_at).total_seconds(), 3)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a body: where (RFC 6901 JSON pointer) and what."""

    pointer: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return the problem as the response and the log show it."""
        return {"pointer": self.pointer, "message": self.message}


@dataclass(frozen=True, slots=True)
class RejectedAlert:
    """One alert of a body that could not be used, with every reason."""

    pointer: str
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        """Return the rejection as the response and the log show it."""
        return {"pointer": self.pointer, "errors": [problem.as_json() for problem in self.problems]}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one body held: usable alerts and the ones that had to be refused."""

    sender: str
    alerts: tuple[Alert, ...]
    rejected: tuple[RejectedAlert, ...] = field(default=())


@lru_cache(256)  # one moment is written up to five times for an alert
def iso(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC with milliseconds, e.g. ``2026-11-23T15:14:52.704Z``.

    What is finer is cut off, not rounded: an incident's identity contains its start in this form.
    """
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
