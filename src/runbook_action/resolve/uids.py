"""Whether an alert tells of another object of a target's name: its uid says which one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runbook_action.objects import KubernetesObject
from runbook_action.resolve.labels import UNKNOWN, named_by, of_the_scrape, shown, spelled
from runbook_action.resolve.owners import name_of

# Of kube-state-metrics, of every pod; elsewhere it may be a user's number or what else has one.
_OF_A_POD = "uid"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def another_of_its_name(target: KubernetesObject, labels: Mapping[str, str]) -> str | None:
    """Name the object of another uid that the labels tell of, if they do.

    Only the target's own uid counts: that of a workload's pod that has been replaced since says
    nothing against the workload.
    """
    for label, uid in _uids_of(target.kind, labels):
        if target.uid and uid.lower() != target.uid.lower():
            return f"another {name_of(target)}, of uid {shown(uid)} (label {label})"
    return None


def _uids_of(kind: str, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the labels that hold the uid of an object of a kind: OpenTelemetry's ``k8s.pod.uid``."""
    known_as = {f"{of}_{kind}_uid" for of in ("k8s", "kube", "kubernetes")}
    if kind == "pod":
        known_as.add("pod_uid")
    for label, text in labels.items():
        if text.strip() in UNKNOWN or of_the_scrape(label, labels):
            continue
        own = spelled(label) == _OF_A_POD and kind == "pod" and _UUID.fullmatch(text.strip())
        if spelled(label) in known_as or (own and named_by(labels, "pod")):
            yield label, text.strip()
