"""How a holder lets go of its part in a lease, or hands it over."""

from __future__ import annotations

from dataclasses import replace

from runbook_action.lease_answers import Return
from runbook_action.lease_part import LeasePart
from runbook_action.leases import Lease, Value


class GivingBack(LeasePart):
    """What the end of a part takes: decide, write the value, forget."""

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
        mine = self._mine(lease)
        if lease and not lease.explains(found):
            self._leases.delete(self._thing, lease.version)
            return Return("changed" if mine else "not held")
        kept = self._kept  # as it was written: it knows what the thing had before that
        if lease is None or mine is None or kept is None:
            return Return("not held")
        # What was handed over goes with who takes the thing, also if its own write never came.
        handed = [name for name, each in lease.holders.items() if each.state == "handed over"]
        rest = lease.without(self._holder, *handed)
        wanted = rest.stands(found)
        value = wanted if floor is None else max(wanted, floor)
        others = tuple(sorted({name.split("/")[0] for name in rest.counting}))
        # A give-back only lowers: what raises the thing is another one's taking.
        wrote = mine.state == "leaving" and kept.was > kept.set == found
        if others and value == found and not wrote:
            self._store(rest.decided(found, found))
            return Return("kept", others=others)
        leaving = rest.with_part(self._holder, replace(mine, state="leaving"))
        self._store(leaving.decided(value, found))
        return Return(
            "bring back",
            value,
            others,
            wanted if wanted < value else None,
            again=bool(lease.leaving),
            replaced=kept.was if wrote else None,
        )

    def forget(self) -> None:
        """End what ``let_go`` began, once the value is written; without it nothing happens."""
        lease = self._read()
        mine = self._mine(lease)
        if lease is None or mine is None or mine.state != "leaving":
            return
        if lease.counting:
            self._store(replace(lease.without(self._holder), was=lease.set))
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
        self._store(lease.decided(value, found))
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
        mine = self._mine(lease)
        if lease is None or mine is None:
            return False
        rest = lease.without(self._holder)
        handed = rest.with_part(self._holder, replace(mine, state="handed over"))
        self._store(rest if rest.counting else handed)
        return True

    def _end_of_giving_back(self, lease: Lease) -> None:
        """Remove a lease that nobody counts in, unless something waits for another bound.

        One whose write has not come yet is still known by it: its call may be repeated.
        """
        if lease.set != lease.before:
            self._store(replace(lease, was=lease.set))
        elif lease.pending:
            self._store(replace(lease, holders=lease.pending, was=lease.set))
        else:
            self._leases.delete(self._thing, lease.version)
