"""What a holder may do with its part in a lease.

Two stores are written, the lease and the thing itself, and a call may die between them. The lease
is written first with what is about to change, then the thing, then the lease once more: so whoever
comes next finds either the value from before the write or the one after it, and goes on from there.
The locks of the state machines see to it that one incident at a time does this to one object; where
a lock ran out, the version of the lease makes the slower one repeat.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from runbook_action.leases import (
    HOLD_SECONDS,
    Holder,
    Lease,
    Leases,
    Return,
    Taken,
    Value,
)


class _Clock(Protocol):
    def now(self) -> datetime:
        """The time, in UTC."""


class Holding:
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

    def held(self) -> Lease | None:
        """The lease, if this holder is one of those who have it."""
        lease = self._read()
        return lease if lease and self._holder in lease.holders else None

    def others(self) -> tuple[str, ...]:
        """Other incidents that hold the thing now, sorted."""
        lease = self._read()
        incidents = {name.split("/")[0] for name in lease.counting} if lease else set()
        return tuple(sorted(incidents - {self._holder.split("/")[0]}))

    def take(self, found: Value, wanted: Value) -> Taken:
        """Remember the value from before, or join those who hold the thing. Write it afterwards.

        Who joins sets no more than it wants itself: what another one was about to set and did not
        come to is for that one to do.

        Parameters
        ----------
        found
            The thing's value now.
        wanted
            The value to set, if it is more than ``found``.

        Returns
        -------
        Taken
            What to write. Taken twice it is the same.

        Raises
        ------
        ClusterConflict
            If somebody else was quicker: begin anew.
        """
        lease = self._read(found)
        if lease and self._holder in lease.holders:
            return self._again(lease, found)
        until = int(self._clock.now().timestamp()) + HOLD_SECONDS
        mine, value = {self._holder: Holder(until, wanted)}, max(found, wanted)
        if lease is None or not lease.explains(found):
            version = lease.version if lease else 0
            lease = self._written(Lease(found, value, found, mine, version, self._uid))
        else:
            handed = [name for name, each in lease.holders.items() if each.state == "handed over"]
            others = lease.without(*handed).holders
            lease = self._written(lease, set=value, was=found, holders={**others, **mine})
        return Taken(lease, None if found == lease.set else lease.set)

    def resume(self, found: Value) -> Taken | None:
        """As ``take`` for a step that took it in an earlier call; None if it holds it no more."""
        lease = self._read(found)
        if lease is None or self._holder not in lease.holders:
            return None
        return self._again(lease, found)

    def settle(self, taken: Taken) -> None:
        """Tell that what was to be written is written: from here on another value is a choice."""
        if taken.write is not None:
            self._written(taken.lease, was=taken.lease.set)

    def confirm(self) -> None:
        """Tell it by the mark that is one write with the value: an earlier call got that far."""
        lease = self._read()
        mine = lease.holders.get(self._holder) if lease else None
        if lease and mine and mine.wants == lease.set != lease.was:
            self._written(lease, was=lease.set)

    def saw(self, found: Value) -> None:
        """Tell that the thing has the value that was to be written, before it is overwritten."""
        lease = self._read()
        if lease and found == lease.set != lease.was:
            self._written(lease, was=found)

    def let_go(self, found: Value, floor: Value | None = None) -> Return:
        """Find out what becomes of the thing when this holder lets it go.

        Where the value is to be written this is not over before ``forget``, so that a call that
        dies in between can be repeated.

        Parameters
        ----------
        found
            The thing's value now.
        floor
            The lowest that another bound of the object allows at the moment. What is left to give
            back then is ``later_give_back``'s.

        Raises
        ------
        ClusterConflict
            If somebody else was quicker: begin anew.
        """
        lease = self._read(found)
        if lease is None or self._holder not in lease.holders:
            return Return("not held")
        if not lease.explains(found):
            self._leases.delete(self._thing, lease.version)
            return Return("changed")
        rest = lease.without(self._holder)
        value = rest.stands(found) if floor is None else max(rest.stands(found), floor)
        others = tuple(sorted({name.split("/")[0] for name in rest.counting}))
        if others and value == found:
            self._written(lease, holders=rest.holders, set=found, was=found)
            return Return("kept", others=others)
        leaving = replace(lease.holders[self._holder], state="leaving")
        holders = {**lease.holders, self._holder: leaving}
        self._written(lease, holders=holders, set=value, was=found)
        return Return("bring back", value, others)

    def forget(self) -> None:
        """End what ``let_go`` began, once the value is written; without it nothing happens."""
        lease = self._read()
        mine = lease.holders.get(self._holder) if lease else None
        if lease is None or mine is None or mine.state != "leaving":
            return
        rest = lease.without(self._holder)
        if rest.counting:
            self._written(lease, holders=rest.holders, was=lease.set)
        else:
            self._end_of_giving_back(lease)

    def later_give_back(self, found: Value, floor: Value) -> Value | None:
        """Give what a thing that nobody holds may go back to, now that another bound allows more.

        Write it, then call ``gave_back``.

        Parameters
        ----------
        found
            The thing's value now.
        floor
            The lowest that the other bound allows.

        Returns
        -------
        bool, int or None
            The value to write; None where nothing waits for it.
        """
        lease = self._read(found)
        if lease is None or lease.counting or not lease.explains(found):
            return None
        value = max(lease.before, floor)
        if value > found:
            return None
        self._written(lease, set=value, was=found)
        return value

    def gave_back(self) -> None:
        """End what ``later_give_back`` began."""
        lease = self._read()
        if lease and not lease.counting:
            self._end_of_giving_back(lease)

    def hand_over(self) -> bool:
        """Leave the thing as it is to whoever acts on the alert that fires again.

        Returns
        -------
        bool
            Whether this holder had a part in it.
        """
        lease = self._read()
        mine = lease.holders.get(self._holder) if lease else None
        if lease is None or mine is None:
            return False
        rest = lease.without(self._holder)
        if rest.counting:
            self._written(lease, holders=rest.holders)
        else:
            handed = replace(mine, state="handed over")
            self._written(lease, holders={**rest.holders, self._holder: handed})
        return True

    def end(self) -> None:
        """Forget the lease of a thing that is there no more."""
        if lease := self._read():
            self._leases.delete(self._thing, lease.version)

    def _again(self, lease: Lease, found: Value) -> Taken:
        """What is left to write of what this holder took."""
        mine = lease.holders[self._holder]
        if mine.state != "leaving" and lease.explains(found):
            if found < mine.wants:
                lease = self._written(lease, set=mine.wants, was=found)
                return Taken(lease, mine.wants)
            if found == lease.set:
                lease = self._written(lease, was=found)
        return Taken(lease, None)

    def _end_of_giving_back(self, lease: Lease) -> None:
        """Remove a lease that nobody counts in, unless something waits for another bound."""
        if lease.set == lease.before:
            self._leases.delete(self._thing, lease.version)
        else:
            self._written(lease, was=lease.set)

    def _written(self, lease: Lease, **changes: Any) -> Lease:
        """Write a lease, unless it is written so already."""
        changed = replace(lease, **changes)
        if changed == lease and lease.version and changes:
            return lease
        changed = replace(changed, version=lease.version + 1)
        self._leases.write(self._thing, changed)
        return changed

    def _read(self, found: Value | None = None) -> Lease | None:
        """The lease as it is now; one of another object, or that nobody can let go, is none."""
        lease = self._leases.read(self._thing)
        if lease is None:
            return None
        now = self._clock.now().timestamp()
        over = [name for name, each in lease.holders.items() if each.until <= now]
        if (self._uid and lease.uid and self._uid != lease.uid) or len(over) == len(lease.holders):
            self._leases.delete(self._thing, lease.version)
            return None
        return lease.at(now, found) if found is not None else lease
