"""Since when a workload has the version that it has now.

A version is a pod template without what restarts put on it. Where one comes back, Kubernetes takes
its revision again and gives that a new number; ``creationTimestamp`` stays that of the first time.
So it depends on what was there between: nothing but a restart, which was then taken back (the
version has been in use all the time), or another version (it came when it came back).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from runbook_action.history import bare
from runbook_action.objects import Json, Revision, Workload, moment_of, number_in

# Earlier numbers of a ReplicaSet that was taken again, with commas.
_NUMBERS = "deployment.kubernetes.io/revision-history"
# A workload that is made anew takes over the revisions of its name, which writes them, too.
_TAKING_OVER = timedelta(minutes=1)
# The API's times are whole seconds: those of one write may be of two.
_A_WRITE = timedelta(seconds=1)
# revisionHistoryLimit of a workload that names none.
_KEPT = 10


def last_versions(history: Sequence[Revision]) -> tuple[list[Revision], Revision | None]:
    """Give the revisions of the current version, and the last one of another version.

    Parameters
    ----------
    history
        Revisions of one workload, the newest first.
    """
    current: list[Revision] = []
    for each in history:
        if current and bare(each.template) != bare(current[0].template):
            return current, each
        current.append(each)
    return current, None


def in_use_since(
    workload: Workload,
    current: Sequence[Revision],
    before: Revision | None,
    written: datetime | None,
) -> datetime | None:
    """Say when the current version came, whatever restarts there were since; None if unknown.

    Parameters
    ----------
    workload
        Whose revisions they are.
    current, before
        As ``last_versions`` gives them.
    written
        When somebody last wrote what the two differ by on the workload. It tells of a version that
        came back where no revision does, unless it cannot have been then.
    """
    times = [made for each in current if (made := each.created)]
    if not times or len(times) < len(current):
        return None
    if before is None:
        return min(times) if _are_all(current, workload) else None
    after = _taken(before, workload)
    new = [
        (min(_numbers(each)), made)
        for each, made in zip(current, times, strict=True)
        if min(_numbers(each)) >= before.revision
        and (after is None or made > after or (made == after and not _again(each, workload)))
    ]
    if len(new) == len(current):
        return min(times)
    # The others were in use before that other version already, and came back.
    number, oldest = min(
        (number, place)
        for place, each in enumerate(current)
        for number in _numbers(each)
        if number >= before.revision
    )
    if number == before.revision + 1:  # nothing of this version came before it
        first = current[oldest]
        if (number, times[oldest]) in new:
            return times[oldest]
        taken = _taken(first, workload)
        if number == first.revision and taken and taken > times[oldest]:
            return taken
    ends = [made for _, made in new]
    if scaled := _scaled_down(before):
        ends.append(scaled)
    if written is None or (after and written < after) or written > min(ends, default=written):
        return None
    return written


def _are_all(history: Sequence[Revision], workload: Workload) -> bool:
    """Whether these are all revisions that there were: those of the lowest numbers go first.

    Fewer than the limit and the one in use are left only where none has gone. Where there are as
    many, each number that there was has to be known.
    """
    limit = workload.spec.get("revisionHistoryLimit")
    if len(history) <= (_KEPT if limit is None else int(limit)):
        return True
    numbers = {number for each in history for number in _numbers(each)}
    return numbers >= set(range(1, max(numbers) + 1))


def _again(revision: Revision, workload: Workload) -> bool:
    """Whether a ControllerRevision got its number later than it was made: it was taken again."""
    made = revision.created
    taken = _taken(revision, workload)
    return made is not None and taken is not None and taken > made + _A_WRITE


def _numbers(revision: Revision) -> list[int]:
    """Give each number that a revision is known to have had; of the first time it is the lowest."""
    earlier = str(revision.annotations.get(_NUMBERS) or "").split(",")
    return [revision.revision, *(found for each in earlier if (found := number_in(each)))]


def _taken(revision: Revision, workload: Workload) -> datetime | None:
    """Say when a revision got its number; of a ReplicaSet only when it was made is known.

    Of a ControllerRevision nothing but its number ever changes, so who wrote it wrote that.
    """
    made = revision.created
    if revision.kind != "controllerrevision" or made is None:
        return made
    anew = workload.created
    written = [
        at
        for each in _written(revision)
        if "f:revision" in (each.get("fieldsV1") or {}) and (at := moment_of(each.get("time")))
    ]
    return max(
        (at for at in written if anew is None or made >= anew or at > anew + _TAKING_OVER),
        default=made,
    )


def _scaled_down(revision: Revision) -> datetime | None:
    """Say by when a ReplicaSet had been replaced: its last write is its scaling to none.

    Until then its last write may be of long before.
    """
    if revision.kind == "controllerrevision" or revision.spec.get("replicas"):
        return None
    times = [at for each in _written(revision) if (at := moment_of(each.get("time")))]
    return max(times, default=None)


def _written(revision: Revision) -> list[Json]:
    entries: Sequence[Json] = revision.metadata.get("managedFields") or []
    return [each for each in entries if each.get("subresource") != "status"]
