"""What an action may use besides the cluster, in memory: time, parameters, leases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from runbook_action.errors import ClusterConflict
from runbook_action.leases import Lease
from runbook_action.ports import AutomationRun, Lock
from runbook_action.prometheus.port import AlertRule, Series, Unanswered

__all__ = [
    "GivenAutomations",
    "GivenChecks",
    "GivenMetrics",
    "MemoryLeases",
    "MemoryNotes",
    "MemoryParameters",
    "NothingLocked",
    "NothingPublished",
    "StandingClock",
]


class NothingPublished:
    """A catalogue table that nobody has published to: only the runbook of the test exists."""

    def definitions(self) -> Sequence[Mapping[str, Any]]:
        """None."""
        return ()

    def published(self, name: str) -> Mapping[str, Any] | None:  # noqa: ARG002 - there is none
        """None."""
        return None


class NothingLocked:
    """A guard table that nobody has written to: a rehearsal calls the actions themselves."""

    def read(self, key: str) -> Lock | None:  # noqa: ARG002 - there is none
        """None."""
        return None


class StandingClock:
    """A time that moves only when somebody waits; each call begins with a minute to spend.

    Parameters
    ----------
    at
        The time of the rehearsal, in UTC.
    """

    seconds = 60.0

    def __init__(self, at: datetime) -> None:
        self._now = at
        self._left = self.seconds

    def next_call(self) -> None:
        """Begin another call of the function."""
        self._left = self.seconds

    def now(self) -> datetime:
        """The time."""
        return self._now

    def remaining(self) -> float:
        """Seconds left of this call."""
        return self._left

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._left -= seconds


class MemoryParameters:
    """A parameter store.

    Parameters
    ----------
    values
        Name → value at the beginning.
    """

    def __init__(self, values: dict[str, str]) -> None:
        self.values = dict(values)
        self._writes = 0

    def get(self, name: str) -> str | None:
        """Value of a parameter, or None."""
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        """Write a parameter."""
        self.values[name] = value
        self._writes += 1

    def version(self, name: str) -> int:  # noqa: ARG002 - of all of them together
        """Count the writes."""
        return self._writes

    def written_at(self, name: str) -> datetime | None:  # noqa: ARG002 - of none of them
        """Know of no time, so that a rehearsed step restarts pods."""
        return None


class MemoryLeases:
    """A store of leases, empty at the beginning."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}

    def read(self, thing: str) -> Lease | None:
        """Read a lease; None if nobody holds the thing."""
        return self._leases.get(thing)

    def write(self, thing: str, lease: Lease) -> None:
        """Write over the version before."""
        found = self._leases.get(thing)
        if (found.version if found else 0) != lease.version - 1:
            raise ClusterConflict(f"the lease of {thing} was written by somebody else")
        self._leases[thing] = lease

    def delete(self, thing: str, version: int) -> None:
        """Remove exactly this version; one that is gone is no fault."""
        found = self._leases.get(thing)
        if found is not None and found.version != version:
            raise ClusterConflict(f"the lease of {thing} was written by somebody else")
        self._leases.pop(thing, None)


class GivenChecks:
    """Checks of the team that answer what a test says.

    Parameters
    ----------
    answers
        Name → answer.
    """

    def __init__(self, answers: Mapping[str, object]) -> None:
        self._answers = answers

    @property
    def names(self) -> frozenset[str]:
        """The checks there are."""
        return frozenset(self._answers)

    def ask(self, name: str, about: Mapping[str, str | None]) -> object:  # noqa: ARG002 - the port's
        """What the check says."""
        return self._answers[name]


class GivenMetrics:
    """A Prometheus that answers what a test says.

    Parameters
    ----------
    answers
        Query, with the names of the target in it → its number; None for no data.
    """

    def __init__(self, answers: Mapping[str, float | None]) -> None:
        self._answers = answers

    def at(self, query: str, when: float) -> Sequence[Series]:
        """The number of a query."""
        if query not in self._answers:
            raise Unanswered(f"the test says nothing of {query}")
        value = self._answers[query]
        return [] if value is None else [Series({}, [(when, float(value))])]

    def over(self, query: str, start: float, end: float, step: float) -> Sequence[Series]:  # noqa: ARG002 - the port's
        """Nothing: a rehearsal ends before anybody looks whether it helped."""
        raise Unanswered("a rehearsal does not verify")

    def alert_rules(self, name: str) -> Sequence[AlertRule]:  # noqa: ARG002 - the port's
        """None."""
        return []


class MemoryNotes:
    """What a step has started."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def read(self, key: str) -> str:
        """What was kept; empty if nothing was."""
        return self._kept.get(key, "")

    def keep(self, key: str, text: str) -> None:
        """Keep it."""
        self._kept[key] = text


class GivenAutomations:
    """Automation documents, each of which ends well at once.

    Parameters
    ----------
    documents
        Those that may be started.
    """

    def __init__(self, documents: Iterable[str]) -> None:
        self.documents = frozenset(documents)

    def start(self, document: str, inputs: Mapping[str, str], token: str) -> str:  # noqa: ARG002 - the port's
        """Start a document."""
        return token

    def look(self, run_id: str) -> AutomationRun:  # noqa: ARG002 - the port's
        """How far a run is: at its end."""
        return AutomationRun("Success", True, True, {}, "")

    def stop(self, run_id: str) -> None:
        """Nothing goes on that could be stopped."""
