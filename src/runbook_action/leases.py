"""What is changed for a time is a lease: remembered once, held together, given back once.

A *thing* is one changeable value: the replicas of a Deployment, an autoscaler's bound, whether a
node is cordoned, a parameter that all clusters read. The first holder remembers the value from
before. A holder is one step of one incident; it wants a number or a switch that is on, and what
stands is the most that anyone wants. Who lets go takes back what only it wanted; the last one
brings back the value from before. Who never lets go has kept it: that is what the others go back
to, and it blocks nobody.

A lease says what the thing is to have (``set``) and what it had when that was decided (``was``).
Until the write is known to be done the thing has one of the two; afterwards both are the same.
Anything else is somebody's choice: it ends the lease, and is the value from before for whoever
comes next.

A holder counts once its write is known to have come. Until then it is nobody's floor: it may have
been refused, and then nothing was changed that it could have kept.

``holding`` has what a holder may do with it. docs/adr/0009-a-temporary-change-is-a-lease.md has
the reasons and the alternatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

Value = bool | int

#: An undo finds its holder for as long as a state machine may live (``TimeoutSeconds``).
HOLD_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Holder:
    """One step's part in a lease.

    Attributes
    ----------
    until
        Unix time until which it can let go. What it has set by then is kept.
    wants
        The value that it asked for.
    state
        ``taking``: it is about to write, and nobody knows yet whether it did; never more than one
        is. ``missed``: another one came before its write did. ``holds``. ``handed over``: its
        incident is over and its alert fires again, so whoever takes the thing next takes its part,
        too. ``leaving``: what it gives back is being written, or waits until another bound of the
        object allows it.
    """

    until: int
    wants: Value
    state: Literal["taking", "missed", "holds", "handed over", "leaving"] = "holds"


@dataclass(frozen=True)
class Lease:
    """One thing, changed for a time.

    Attributes
    ----------
    before
        The value to bring back in the end.
    set
        The value that the thing is to have.
    was
        The value that it had when ``set`` was decided; the same as ``set`` once that is written.
    holders
        Step of an incident (``Request.token``) → its part.
    version
        Counts the writes; 0 where there is none yet.
    uid
        Identity of the object; empty for what is none. A lease of an earlier object of the same
        name is none.
    """

    before: Value
    set: Value
    was: Value
    holders: Mapping[str, Holder]
    version: int = 0
    uid: str = ""

    def explains(self, found: Value) -> bool:
        """Whether a value is one that its holders left; any other is somebody else's choice."""
        return found in (self.set, self.was)

    @property
    def counting(self) -> Mapping[str, Holder]:
        """The holders whose wish counts for others."""
        return self._in("holds", "handed over")

    @property
    def leaving(self) -> Mapping[str, Holder]:
        """Those who began to let go, and have not said that it is done."""
        return self._in("leaving")

    @property
    def pending(self) -> Mapping[str, Holder]:
        """Those whose write has not come, or is not known to have."""
        return self._in("taking", "missed")

    def stands(self, found: Value) -> Value:
        """What is to stand for those who count; what never came to be (above ``found``) does not.

        So a give-back never raises anything.
        """
        wishes = [each.wants for each in self.counting.values() if each.wants <= found]
        return max([self.before, *wishes])

    def without(self, *names: str) -> Lease:
        """The same without some of its holders."""
        rest = {name: each for name, each in self.holders.items() if name not in names}
        return replace(self, holders=rest)

    def with_part(self, name: str, part: Holder) -> Lease:
        """The same with a holder's part as it is now."""
        return replace(self, holders={**self.holders, name: part})

    def held_by(self, name: str) -> Lease:
        """The lease once a holder's write is known to have come: it has what was handed over."""
        mine = replace(self.holders[name], state="holds")
        rest = self.without(name, *self._in("handed over"))
        return rest.with_part(name, mine)

    def decided(self, value: Value, found: Value) -> Lease:
        """The lease once somebody decides on a value: a write that has not come by now missed."""
        late = {name: replace(each, state="missed") for name, each in self._in("taking").items()}
        return replace(self, set=value, was=found, holders={**self.holders, **late})

    def at(self, now: float, found: Value | None = None) -> Lease | None:
        """The lease as it is now, None if nobody is left who could let it go.

        Parameters
        ----------
        now
            Unix time. What those kept whose time is over is the value from before.
        found
            The thing's value, where it was read: it tells whether what was to be written was.
        """
        lease = self
        if found is not None and found == self.set != self.was:
            lease = replace(self, was=found)
            for name in self._in("taking"):
                lease = lease.held_by(name)
        over = [name for name, each in lease.holders.items() if each.until <= now]
        if len(over) == len(lease.holders):
            return None
        if found is None:
            return lease
        kept = replace(lease, holders={name: lease.holders[name] for name in over}).stands(found)
        return replace(lease.without(*over), before=kept)

    def _in(self, *states: str) -> Mapping[str, Holder]:
        return {name: each for name, each in self.holders.items() if each.state in states}


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


def thing_of(cluster: str, namespace: str | None, kind: str, name: str, field: str) -> str:
    """Name a field of an object as a thing."""
    return "#".join((cluster, namespace or "", kind, name, field))


def parameter_thing(name: str) -> str:
    """Name an SSM parameter as a thing: one for all clusters."""
    return f"parameter#{name}"
