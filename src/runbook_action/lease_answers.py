"""What a holder is told when it takes a thing, or lets it go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runbook_action.errors import ActionRefused
from runbook_action.leases import Lease, Value


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
    leaving
        Whether this holder has begun to let it go: then it is not to be taken again.
    """

    lease: Lease
    write: Value | None
    leaving: bool = False

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
            step decided on more than is allowed by now, or has begun to take it back.
        """
        if self.leaving:
            raise ActionRefused(
                f"{what} is {found}: an earlier call of this step gave it up and began to bring "
                f"back what was before, but its answer was lost. It is not done again."
            )
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
    not_yet
        The value that it would go back to, were it not for another bound; None where it does.
    again
        Whether a call before this one, of this holder or another, was told to bring it back and
        has not said that it is done: it may have written the value and done nothing else.
    replaced
        The value over which a call of this holder before this one has written ``value``; None
        where none did, or nobody knows any more.
    """

    verdict: Literal["bring back", "kept", "changed", "not held"]
    value: Value | None = None
    others: tuple[str, ...] = ()
    not_yet: Value | None = None
    again: bool = False
    replaced: Value | None = None

    def goes_back_from(self, now: Value) -> Value | None:
        """The value from which the thing goes back, or went by a call that died; None if it stays.

        Parameters
        ----------
        now
            The thing's value as it was found by this call.
        """
        if self.value is None:
            return None
        return self.replaced if self.value == now else now


def why_kept(answer: Return, now: object) -> str:
    """Say, as the end of a sentence about a thing, why its value is not written."""
    return {
        "kept": f"stays {now}: held by {', '.join(answer.others)}, too, until the last of them "
        f"lets go",
        "changed": f"is {now}, which somebody has chosen since: it is left alone",
        "bring back": f"is {now} as before",
        "not held": f"is {now} and not held for this incident: there is nothing to undo",
    }[answer.verdict]
