"""What is changed for a time is a lease: remembered once, held together, given back once.

A *thing* is one changeable value: the replicas of a Deployment, an autoscaler's bound, whether a
node is cordoned, a parameter that all clusters read. The first holder remembers the value from
before; the change stands while anyone holds it; the last one to let go brings that value back, and
only if nobody else has changed it since. A holder is one step of one incident.

Two stores are written, the lease and the thing itself, and a call may die between them. The lease
is written first when the thing is taken and last when it is given back, so that whoever comes next
finds either the value from before or the value that was set, and goes on from there. Anything else
is somebody else's choice. The locks of the state machines see to it that one incident at a time
does this to one object; where a lock ran out, the version of the lease makes the slower one repeat.

docs/adr/0009-a-temporary-change-is-a-lease.md has the alternatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

from runbook_action.errors import ActionRefused

Value = bool | int

#: A holder is forgotten after this: no state machine lives longer (``TimeoutSeconds``).
HOLD_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Lease:
    """One thing, changed for a time.

    Attributes
    ----------
    before
        The value to bring back.
    set
        The value that its holders want.
    was
        The value that was found when ``set`` was decided: what the thing still has if the call died
        before it wrote.
    holders
        Step of an incident (``Request.token``) → Unix time until which it counts.
    version
        Counts the writes; 0 where there is none yet.
    """

    before: Value
    set: Value
    was: Value
    holders: Mapping[str, int]
    version: int = 0

    def explains(self, found: Value) -> bool:
        """Whether a value is one that its holders left; any other is somebody else's choice."""
        return found in (self.set, self.was, self.before)

    def unwritten(self, found: Value) -> Value | None:
        """Give what is left to write, where an earlier call died before it wrote; else None."""
        return self.set if found != self.set and self.explains(found) else None


class Leases(Protocol):
    """The store of leases."""

    def read(self, thing: str) -> Lease | None:
        """Read a lease, consistently; None if nobody holds the thing."""

    def write(self, thing: str, lease: Lease) -> None:
        """Write over the version before ``lease.version``.

        Raises
        ------
        ClusterConflict
            If somebody else wrote since it was read.
        """

    def delete(self, thing: str, version: int) -> None:
        """Remove exactly this version, else ClusterConflict; one that is gone is no fault."""


class _Clock(Protocol):
    def now(self) -> datetime:
        """The time, in UTC."""


@dataclass(frozen=True)
class Taken:
    """A thing that is held now.

    Attributes
    ----------
    lease
        The lease, its ``before`` among it.
    write
        The value to write now; None where it stands already, or where somebody else has changed it
        since this holder wrote it.
    """

    lease: Lease
    write: Value | None

    def refuse_if_another_chose(self, found: Value, what: str) -> None:
        """Stop an action whose value somebody else has set between its lease and its write.

        Raises
        ------
        ActionRefused
            If the thing has neither the value to set nor one that the lease explains.
        """
        if self.write is None and found != self.lease.set:
            raise ActionRefused(
                f"{what} is {found}, which somebody has chosen while this incident was about to "
                f"set {self.lease.set}: it is left alone."
            )


@dataclass(frozen=True)
class Return:
    """What is to become of a thing that its holder lets go.

    Attributes
    ----------
    verdict
        ``bring back``: write ``value``, then call ``Holding.forget``. ``kept``: ``others`` still
        hold it. ``changed``: somebody else chose another value since, which stays. ``not held``:
        this holder has no part in it (any more).
    value
        The value from before; None where it is not to be written.
    others
        Incidents that still hold it, sorted.
    """

    verdict: Literal["bring back", "kept", "changed", "not held"]
    value: Value | None = None
    others: tuple[str, ...] = ()


class Holding:
    """One holder's part in one thing.

    Parameters
    ----------
    leases
        The store.
    clock
        Says which holders still count.
    thing
        Its name, as ``thing_of`` makes it.
    holder
        ``Request.token`` of the step.
    """

    def __init__(self, leases: Leases, clock: _Clock, thing: str, holder: str) -> None:
        self._leases = leases
        self._clock = clock
        self._thing = thing
        self._holder = holder

    def held(self) -> Lease | None:
        """The lease, if this holder is one of those who have it."""
        lease = self._read()
        return lease if lease and self._holder in lease.holders else None

    def others(self) -> tuple[str, ...]:
        """Other incidents that hold the thing now, sorted."""
        lease = self._read()
        incidents = {name.split("/")[0] for name in lease.holders} if lease else set()
        return tuple(sorted(incidents - {self._holder.split("/")[0]}))

    def take(self, found: Value, wanted: Value) -> Taken:
        """Remember the value from before, or join those who hold the thing. Write it afterwards.

        Parameters
        ----------
        found
            The thing's value now.
        wanted
            The value to set. Where others hold it, too, the higher number counts.

        Returns
        -------
        Taken
            What to write. Taken twice it is the same.

        Raises
        ------
        ClusterConflict
            If somebody else was quicker: begin anew.
        """
        lease = self._read()
        if lease and self._holder in lease.holders:
            return Taken(lease, lease.unwritten(found))
        until = int(self._clock.now().timestamp()) + HOLD_SECONDS
        if lease is None:
            lease = Lease(found, wanted, found, {self._holder: until}, 1)
        else:
            ours = lease.explains(found)
            lease = Lease(
                before=lease.before if ours else found,
                set=_together(lease.set, wanted) if ours else wanted,
                was=found,
                holders={**lease.holders, self._holder: until},
                version=lease.version + 1,
            )
        self._leases.write(self._thing, lease)
        return Taken(lease, None if found == lease.set else lease.set)

    def let_go(self, found: Value) -> Return:
        """Find out what becomes of the thing when this holder lets it go.

        Where others still hold it the holder is out when this returns. Else ``forget`` ends it,
        once the value is written, so that a call that dies in between can be repeated.

        Parameters
        ----------
        found
            The thing's value now.

        Raises
        ------
        ClusterConflict
            If somebody else was quicker: begin anew.
        """
        lease = self._read()
        if lease is None or self._holder not in lease.holders:
            return Return("not held")
        others = {name: until for name, until in lease.holders.items() if name != self._holder}
        if others:
            self._leases.write(
                self._thing, replace(lease, holders=others, version=lease.version + 1)
            )
            return Return("kept", others=tuple(sorted({name.split("/")[0] for name in others})))
        if lease.explains(found):
            return Return("bring back", lease.before)
        self.forget()
        return Return("changed")

    def forget(self) -> None:
        """End the lease of the last holder; without it nothing happens."""
        lease = self._read()
        if lease and set(lease.holders) == {self._holder}:
            self._leases.delete(self._thing, lease.version)

    def _read(self) -> Lease | None:
        """The lease with the holders that still count; one that nobody holds is none."""
        lease = self._leases.read(self._thing)
        if lease is None:
            return None
        now = self._clock.now().timestamp()
        live = {name: until for name, until in lease.holders.items() if until > now}
        if not live:
            self._leases.delete(self._thing, lease.version)
            return None
        return replace(lease, holders=live)


def why_kept(answer: Return, now: object) -> str:
    """Say, as the end of a sentence about a thing, why its value is not written."""
    return {
        "kept": f"stays {now}: held by {', '.join(answer.others)}, too; the last of them brings "
        f"it back",
        "changed": f"is {now}, which somebody has chosen since: it is left alone",
        "bring back": f"is {now} as before",
        "not held": f"is {now} and not held for this incident: there is nothing to undo",
    }[answer.verdict]


def thing_of(cluster: str, namespace: str | None, kind: str, name: str, field: str) -> str:
    """Name a field of an object as a thing."""
    return "#".join((cluster, namespace or "", kind, name, field))


def parameter_thing(name: str) -> str:
    """Name an SSM parameter as a thing: one for all clusters."""
    return f"parameter#{name}"


def _together(one: Value, other: Value) -> Value:
    if isinstance(one, bool) or isinstance(other, bool):
        return other
    return max(one, other)
