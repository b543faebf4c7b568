"""Whether a runbook still acts by itself on a target, or asks a human first.

The lock of a target has, for each runbook, the incidents for which it took the target in hand
since it last helped. The machine writes them down as it takes the lock, and takes them off again
as it lets go: all of them where the runbook has helped, its own where it did nothing or where
nobody told the end. What was stopped half-way so counts as not helped. This function only reads
them: what acts cannot trust itself again, that does ``srectl runbooks trust``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action.errors import RunbookActionError
from runbook_action.ports import Locks

__all__ = ["Trust", "asking_where_untrusted", "said_with"]


@dataclass(frozen=True)
class Trust:
    """Counts what did not help.

    Parameters
    ----------
    locks
        The locks of the state machines.
    limit
        After how many remediations of a target in a row that were not seen to help a runbook asks
        (stack parameter AskAfterUnhelped); 0: it never asks for that.
    """

    locks: Locks
    limit: int

    def why_it_asks(self, runbook: str, locks: Iterable[str], incident_id: str) -> str:
        """Say why a runbook asks before it acts on a target; empty where it acts by itself.

        In doubt it asks: where what it did before cannot be read.

        Parameters
        ----------
        locks
            Keys of the target, and of what it belongs to, in the guard table: each pod that is
            evicted has another name, and its workload has not.
        incident_id
            Whose remediation it is: what that did so far counts neither way yet.
        """
        try:
            return self.why_it_must_ask(runbook, locks, incident_id)
        except RunbookActionError as error:
            return f"what runbook {runbook} did here before cannot be read ({error})"

    def why_it_must_ask(self, runbook: str, locks: Iterable[str], incident_id: str) -> str:
        """Say the same right before it acts.

        Raises
        ------
        RunbookActionError
            What it did before cannot be read: then nothing is done at all.
        """
        if not self.limit or not runbook:
            return ""
        most = 0
        for lock in sorted(set(locks)):
            held = self.locks.read(lock)
            unhelped = {} if held is None else held.unhelped
            tried = unhelped.get(runbook, frozenset[str]())
            if tried is None:
                return f"what is kept of what runbook {runbook} did here before cannot be read"
            most = max(most, len(tried - {incident_id}))
        if most < self.limit:
            return ""
        last = "last remediation" if most == 1 else f"last {most} remediations"
        return f"runbook {runbook} was not seen to help in its {last} here"


def asking_where_untrusted(
    steps: Sequence[Mapping[str, Any]], runbook: str, incident_id: str, trust: Trust
) -> list[dict[str, Any]]:
    """Give the resolved steps of a runbook, those of which ask that it is not trusted with.

    Parameters
    ----------
    steps
        As ``resolve`` gives them.
    """
    known: dict[tuple[str, ...], str] = {}
    found = []
    for step in steps:
        locks = tuple(step["locks"])
        if step["changes"] and locks not in known:
            known[locks] = trust.why_it_asks(runbook, locks, incident_id)
        why = known[locks] if step["changes"] else ""
        own = {"approval": {**step["approval"], "required": True, "why": why}} if why else {}
        found.append({**step, **own})
    return found


def said_with(summary: str, runbook: str, why: str) -> str:
    """Give the summary of a plan, and why a human is asked about it."""
    if not why:
        return summary
    return (
        f"{summary.rstrip('.')}. A human is asked first, because {why}; "
        f"'srectl runbooks trust {runbook}' lets it act by itself again."
    )
