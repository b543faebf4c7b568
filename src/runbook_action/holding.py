"""How a holder takes its part in a lease, and says that its write has come.

Lease first, then the thing, then ``settle``: see ``lease_part``. In between its part counts for
nobody, so a step whose write is refused has kept nothing.
"""

from __future__ import annotations

from dataclasses import replace

from runbook_action.giving_back import GivingBack
from runbook_action.lease_answers import Taken
from runbook_action.leases import HOLD_SECONDS, Holder, Lease, Value


class Holding(GivingBack):
    """Everything a holder may do with its part in one thing."""

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
        mine = self._mine(lease)
        if lease and mine:
            return self._again(lease, mine, found)
        value = max(found, wanted)
        if lease is None or not lease.explains(found):
            version = lease.version if lease else 0
            lease = Lease(found, value, found, {}, version, self._uid)
        until = int(self._clock.now().timestamp()) + HOLD_SECONDS
        taking = Holder(until, wanted, "taking")
        lease = self._store(lease.decided(value, found).with_part(self._holder, taking))
        return Taken(lease, None if found == lease.set else lease.set)

    def resume(self, found: Value) -> Taken | None:
        """As ``take`` for a step that took it in an earlier call; None if it holds it no more."""
        lease = self._read(found)
        mine = self._mine(lease)
        return self._again(lease, mine, found) if lease and mine else None

    def settle(self, taken: Taken) -> None:
        """Tell that what was to be written is written: from here on it counts.

        Another value than that is somebody's choice then.
        """
        self._came(taken.lease)

    def confirm(self) -> None:
        """Tell it by the mark that is one write with the value: an earlier call got that far."""
        if lease := self._read():
            self._came(lease)

    def saw(self, found: Value) -> None:
        """Tell that the thing has the value that was to be written, before it is overwritten."""
        if lease := self._read(found):
            self._store(lease)

    def _again(self, lease: Lease, mine: Holder, found: Value) -> Taken:
        """What is left to write of what this holder took."""
        if not lease.explains(found):
            # Somebody's choice, which stays one also where it is changed back later.
            self._leases.delete(self._thing, lease.version)
            return Taken(replace(lease, holders={}), None)
        if mine.state == "leaving" or found >= mine.wants:
            return Taken(self._store(lease), None, leaving=mine.state == "leaving")
        taking = replace(mine, state="taking")
        lease = self._store(lease.decided(mine.wants, found).with_part(self._holder, taking))
        return Taken(lease, mine.wants)

    def _came(self, lease: Lease) -> None:
        """This holder's write has come, if it had one to make."""
        mine = lease.pending.get(self._holder)
        if mine is not None:
            # Where another one came in between, ``was`` is about that one's write.
            was = lease.set if mine.state == "taking" else lease.was
            self._store(replace(lease.held_by(self._holder), was=was))
