"""The last rollout of a workload that was no restart: what it changed, when, and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runbook_action.evidence.changes import differences
from runbook_action.evidence.in_use import in_use_since, last_versions
from runbook_action.evidence.managers import Writer, writer_of
from runbook_action.history import bare
from runbook_action.objects import Json, Revision, Workload


@dataclass(frozen=True)
class Rollout:
    """How the current version came.

    Attributes
    ----------
    changes
        As ``differences`` gives them; none where no other version is known.
    at
        When; None if unknown.
    by
        Who wrote what it changed; None if no field manager is named.
    first
        Whether no version before it is known.
    """

    changes: Sequence[Json]
    at: datetime | None
    by: Writer | None
    first: bool


def last_rollout(workload: Workload, history: Sequence[Revision]) -> Rollout | None:
    """Look at how the current version came; None where no revision is known.

    Parameters
    ----------
    history
        The workload's revisions, the newest first.
    """
    current, before = last_versions(history)
    if not current:
        return None
    changes = differences(bare(before.template), bare(current[0].template)) if before else []
    # What a paused Deployment has in its template need not be in any revision.
    other = workload.paused and bare(current[0].template) != bare(workload.template)
    writer = None if other else _writer(workload, changes)
    at = in_use_since(workload, current, before, writer.at if writer else None)
    return Rollout(changes, at, writer, first=before is None)


def changed_from(workload: Workload, before: Revision) -> tuple[Sequence[Json], Writer | None]:
    """Say in what a workload's template differs from a revision, and who wrote that last."""
    changes = differences(bare(before.template), bare(workload.template))
    return changes, _writer(workload, changes)


def _writer(workload: Workload, changes: Sequence[Json]) -> Writer | None:
    template = ("spec", "template", "spec")
    paths: list[tuple[str, ...]] = [
        (*template, "containers", each["container"], each["field"])
        for each in changes
        if each["container"]
    ]
    paths += [(*template, each["field"]) for each in changes if not each["container"]]
    return writer_of(workload, *paths, template, ("spec", "template"))
