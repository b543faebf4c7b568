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

``holding`` has what a holder may do with it. docs/adr/0009-a-temporary-change-is-a-lease.md has
the reasons and the alternatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from runbook_action.errors import ActionRefused

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
        ``holds``. ``handed over``: its incident is over and its alert fires again, so whoever takes
        the thing next takes its part, too. ``leaving``: what it gives back is being written, or
        waits until another bound of the object allows it.
    """

    until: int
    wants: Value
    state: Literal["holds", "handed over", "leaving"] = "holds"


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
        """The holders whose wish still counts."""
        return {name: each for name, each in self.holders.items() if each.state != "leaving"}

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

    def at(self, now: float, found: Value) -> Lease:
        """The lease as it is now: what those kept whose time is over is the value from before."""
        over = [name for name, each in self.holders.items() if each.until <= now]
        kept = replace(self, holders={name: self.holders[name] for name in over}).stands(found)
        return replace(self.without(*over), before=kept)


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


@dataclass(frozen=True)
class Taken:
    """A thing that is held now.

    Attributes
    ----------
    lease
        The lease, its ``before`` among it.
    write
        The value to write now, and then to ``settle``; None where it stands already, or where
        somebody else has changed it since this holder wrote it.
    """

    lease: Lease
    write: Value | None

    def refuse_unless_allowed(self, found: Value, limit: Value, what: str) -> None:
        """Stop before the write what somebody else has set meanwhile, or what is not allowed.

        Parameters
        ----------
        found
            The thing's value now.
        limit
            The highest that this step may set; True for a switch.
        what
            The thing in words, at the beginning of a sentence.

        Raises
        ------
        ActionRefused
            If the thing has a value that the lease does not explain, or an earlier call of this
            step decided on more than is allowed by now.
        """
        if not self.lease.explains(found):
            raise ActionRefused(
                f"{what} is {found}, which somebody has chosen while this incident was about to "
                f"set {self.lease.set}: it is left alone."
            )
        if self.write is not None and self.write > limit:
            raise ActionRefused(
                f"{what} is {found}, was to be {self.write} and may be {limit} at most by now: it "
                f"is left alone."
            )


@dataclass(frozen=True)
class Return:
    """What is to become of a thing that its holder lets go.

    Attributes
    ----------
    verdict
        ``bring back``: write ``value``, then call ``Holding.forget``. ``kept``: ``others`` want it
        as it is. ``changed``: somebody else chose another value since, which stays. ``not held``:
        this holder has no part in it (any more).
    value
        The value to go back to; None where nothing is to be written.
    others
        Incidents that still hold it, sorted.
    """

    verdict: Literal["bring back", "kept", "changed", "not held"]
    value: Value | None = None
    others: tuple[str, ...] = ()


def why_kept(answer: Return, now: object) -> str:
    """Say, as the end of a sentence about a thing, why its value is not written."""
    return {
        "kept": f"stays {now}: held by {', '.join(answer.others)}, too, until the last of them "
        f"lets go",
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
