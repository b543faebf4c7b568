"""What can still be given back where the target of a step has gone.

Who deletes an object, or makes it anew under its name, takes with it what the step changed of the
object itself: a node that was closed and is terminated has nothing to bring back, and calls nobody.
A parameter or an autoscaler that the step changed besides is still there, and is given back all the
same: else it would stay so for good, and nobody else could bring it back.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.errors import TargetNotFound
from runbook_action.holding import Holding
from runbook_action.objects import Workload
from runbook_action.outcome import Change, Outcome
from runbook_action.ports import Cluster
from runbook_action.request import Target
from runbook_action.rollout import read_workload


def look_for(cluster: Cluster, target: Target) -> tuple[Workload | None, str]:
    """Read a target that need not be there.

    Returns
    -------
    tuple
        The workload and an empty text, or None and why: it has gone, or another one has its name.
    """
    try:
        return read_workload(cluster, target), ""
    except TargetNotFound as error:
        return None, _said(error)


def why_gone(cluster: Cluster, target: Target) -> str:
    """Say why there is no target of whatever kind any more; empty where it is there."""
    try:
        cluster.read(target.kind, target.namespace or "", target.name)
    except TargetNotFound as error:
        return _said(error)
    return ""


def gone_with_target(holdings: Sequence[Holding], gone: str) -> Outcome:
    """Tell of an undo that has nothing left to bring back, and end what it held of the target.

    Parameters
    ----------
    holdings
        Its parts in leases of the target.
    gone
        Why there is no target, as ``why_gone`` says it.
    """
    for each in holdings:
        each.end_if_held()
    return Outcome("unchanged", f"There is nothing to bring back, it has gone with it: {gone}.")


def without_target(done: str, gone: str, changes: Sequence[Change]) -> Outcome:
    """Tell what was given back though no pod could be looked after.

    Parameters
    ----------
    done
        What became of what is not part of the target, as the beginning of a sentence.
    gone
        Why there is no target, as ``look_for`` says it.
    changes
        What this call changed.
    """
    return Outcome(
        "succeeded" if changes else "unchanged",
        f"{done}; no pod was restarted or waited for: {gone}.",
        changed=bool(changes),
        plan=changes,
    )


def _said(error: TargetNotFound) -> str:
    return str(error).rstrip(".")
