"""What can still be given back where the target of a step has gone.

Who deletes a workload, or makes it anew under its name, takes with it what the step changed of the
workload itself. A parameter or an autoscaler that the step changed besides is still there, and is
given back all the same: else it would stay so for good, and nobody else could bring it back.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.errors import TargetNotFound
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
        return None, str(error).rstrip(".")


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
