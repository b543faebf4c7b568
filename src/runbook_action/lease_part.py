"""One step's place in a lease: how it is read as it is now, and written.

Two stores are written, the lease and the thing itself, and a call may die between them. The lease
is written first with what is about to change, then the thing, then the lease once more: so whoever
comes next finds either the value from before the write or the one after it, and goes on from there.
The locks of the state machines see to it that one incident at a time does this to one object; where
a lock ran out, the version of the lease makes the slower one repeat.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from runbook_action.leases import Holder, Lease, Leases, Value


class _Clock(Protocol):
    def now(self) -> datetime:
        """The time, in UTC."""


class LeasePart:
    """One holder's part in one thing.

    Parameters
    ----------
    leases
        The store.
    clock
        Says which holders can still let go.
    thing
        Its name, as ``thing_of`` makes it.
    holder
        ``Request.token`` of the step.
    uid
        Identity of the object that has the thing; empty for what is no object, or not looked at.
    """

    def __init__(
        self, leases: Leases, clock: _Clock, thing: str, holder: str, uid: str = ""
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._thing = thing
        self._holder = holder
        self._uid = uid
        self._kept: Lease | None = None

    def held(self) -> Lease | None:
        """The lease, if this holder is one of those who have it."""
        lease = self._read()
        return lease if lease and self._holder in lease.holders else None

    def others(self, found: Value) -> tuple[str, ...]:
        """Other incidents that hold the thing, which has a value now, sorted.

        A value that somebody has chosen since nobody holds: who lets it go leaves it alone.
        """
        lease = self._read(found)
        held = lease.counting if lease and lease.explains(found) else {}
        incidents = {name.split("/")[0] for name in held}
        return tuple(sorted(incidents - {self._holder.split("/")[0]}))

    def end(self) -> None:
        """Forget the lease of a thing that is there no more."""
        if lease := self._read():
            self._leases.delete(self._thing, lease.version)

    def end_if_held(self) -> None:
        """Forget it if this holder has it; that of an object which came after is another one's."""
        if self.held():
            self.end()

    def _mine(self, lease: Lease | None) -> Holder | None:
        return lease.holders.get(self._holder) if lease else None

    def _read(self, found: Value | None = None) -> Lease | None:
        """The lease as it is now; one of another object, or that nobody can let go, is none."""
        self._kept = kept = self._leases.read(self._thing)
        if kept is None:
            return None
        lease = kept.at(self._clock.now().timestamp(), found)
        if lease is None or (self._uid and lease.uid and self._uid != lease.uid):
            self._leases.delete(self._thing, kept.version)
            return None
        return lease

    def _store(self, lease: Lease) -> Lease:
        """Write a lease over what was read, unless that says the same."""
        if lease != self._kept:
            lease = self._kept = replace(lease, version=lease.version + 1)
            self._leases.write(self._thing, lease)
        return lease
