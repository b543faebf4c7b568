"""A version that is written and not rolled out: somebody holds the pods back.

Under the update strategy OnDelete, beside a partition and while a Deployment is paused, the
template says what pods would run that are made anew. What those run that are there, their
revisions say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runbook_action.current_pods import HASH
from runbook_action.evidence.rollout import changed_from, last_rollout
from runbook_action.history import bare
from runbook_action.objects import Json, Pod, Revision, Workload


@dataclass(frozen=True)
class Staged:
    """How far the version has come that the template asks for.

    Attributes
    ----------
    changes
        From the version before, as ``differences`` gives them.
    at, by
        When it was written, and the field manager that did; None and empty if unknown.
    runs, pods
        How many pods run it, and how many there are.
    running
        The revisions that pods run.
    """

    changes: Sequence[Json]
    at: datetime | None
    by: str
    runs: int
    pods: int
    running: Sequence[Revision]


def staged_version(
    workload: Workload, history: Sequence[Revision], pods: Sequence[Pod]
) -> Staged | None:
    """Say what becomes of a version that pods are kept from; None where it is rolled out.

    Under OnDelete each pod takes it when somebody deletes it, so that nobody knows since when it
    is in use, also once all run it.

    Parameters
    ----------
    history
        The workload's revisions, the newest first.
    pods
        Those of its selector that are not on their way out.
    """
    if not workload.held_back or not history:
        return None
    wanted = bare(workload.template)
    found = [
        _revision_of(each, history)
        for each in pods
        if each.belongs_to(workload) or any(map(each.belongs_to, history))
    ]
    running = [one for one in history if one in found]
    runs = sum(each is not None and bare(each.template) == wanted for each in found)
    rollout = last_rollout(workload, history)
    if rollout is None or bare(history[0].template) != wanted:  # a paused Deployment makes none
        changes, writer = changed_from(workload, history[0])
        at = writer.at if writer else None
    else:
        if runs == len(found) and (not workload.replaced_by_hand or rollout.first):
            return None
        changes, writer, at = rollout.changes, rollout.by, rollout.at
    by = writer.manager if writer else ""
    return Staged(changes, at, by, runs, len(found), running)


def _revision_of(pod: Pod, history: Sequence[Revision]) -> Revision | None:
    """Give the revision that a pod was made of; a StatefulSet's label has its whole name."""
    label = pod.labels.get(HASH)
    for each in history:
        if each.kind != "controllerrevision":
            if pod.belongs_to(each):
                return each
        elif label and label in (each.name, each.labels.get(HASH)):
            return each
    return None
