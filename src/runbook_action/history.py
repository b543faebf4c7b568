"""The pod templates that a workload had."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from runbook_action import marks
from runbook_action.kinds import KindWord
from runbook_action.objects import Revision, Workload
from runbook_action.ports import Cluster

# What keeps the earlier templates of a kind.
KEEPERS: Mapping[KindWord, KindWord] = {
    "daemonset": "controllerrevision",
    "deployment": "replicaset",
    "statefulset": "controllerrevision",
}


def revisions_of(cluster: Cluster, workload: Workload) -> list[Revision]:
    """The revisions that Kubernetes keeps, the newest first."""
    found = cluster.list(KEEPERS[workload.kind], workload.namespace, workload.selector)
    own = [cast(Revision, each) for each in found if each.belongs_to(workload)]
    return sorted(own, key=lambda each: each.revision, reverse=True)


def versions_before(
    history: Sequence[Revision], template: Mapping[str, Any], current: int
) -> tuple[list[Revision], list[Revision]]:
    """Give the revisions before the current one that are of another version, the newest first.

    A version keeps its age where it comes back, and each one that came after it is what somebody,
    or a runbook, has gone back from: to roll back to that would bring the fault back.

    Parameters
    ----------
    history
        All revisions, the newest first.
    template
        The pod template that the workload has now.
    current
        The number of its revision.

    Returns
    -------
    list of Revision
        Those that are older than the version that the workload has now.
    list of Revision
        Those that came after it.
    """
    version = bare(template)
    same: list[Revision] = []
    others: list[Revision] = []
    for each in history:
        (same if bare(each.template) == version else others).append(each)
    came = min((each.created for each in same if each.created), default=None)
    older: list[Revision] = []
    left: list[Revision] = []
    for each in others:
        if each.revision < current:
            later = came and each.created and each.created > came
            (left if later else older).append(each)
    return older, left


def bare(template: Mapping[str, Any]) -> dict[str, Any]:
    """A pod template without what restarts and ReplicaSets put on it, and what it says to us.

    Whether its owner refuses remediation is no part of what runs: it is not rolled back.
    """
    metadata = dict(template.get("metadata") or {})
    metadata.pop("creationTimestamp", None)
    labels = {
        key: value
        for key, value in (metadata.get("labels") or {}).items()
        if key != "pod-template-hash"
    }
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key not in marks.OF_A_RESTART and not key.startswith(marks.OURS)
    }
    return {**template, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def said_to_us(template: Mapping[str, Any]) -> dict[str, str]:
    """Annotations of a pod template that are for this platform, and none of its marks."""
    found = (template.get("metadata") or {}).get("annotations") or {}
    return {
        key: value
        for key, value in found.items()
        if key.startswith(marks.OURS) and key not in marks.OF_A_RESTART
    }


def digest_of(template: Mapping[str, Any]) -> str:
    """Short fingerprint of a pod template, the same whatever restarts it had since."""
    text = json.dumps(bare(template), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
