"""What the controllers of a cluster would do after a write, done at once and without a fault.

A new template becomes a revision and reaches the pods, asked-for replicas are there and ready, an
autoscaler raises what is below its minimum, a new Job does its work, a volume has the size that is
asked for, a pod that was evicted is replaced. So a later step's plan sees what an earlier one left.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from runbook_action.kinds import KINDS, KindWord
from runbook_action.objects import Autoscaler, Workload, number_in, view
from srectl.rehearsal.manifests import Key, healthy_status
from srectl.rehearsal.selectors import labels_match
from srectl.steps import WORKLOADS

if TYPE_CHECKING:
    from srectl.rehearsal.cluster import MemoryCluster

__all__ = ["settle"]

_REVISION = "deployment.kubernetes.io/revision"


def settle(cluster: MemoryCluster, key: Key, before: dict[str, Any] | None) -> None:
    """Let the cluster come to rest after a write.

    Parameters
    ----------
    cluster
        Where it was written.
    key
        What was written or taken away.
    before
        The object before; None for a new one.
    """
    after = cluster.objects.get(key)
    if after is None:
        _replace(cluster, key, before or {})
        return
    if before is None and key[0] == "job":
        after["status"] = {
            "succeeded": 1,
            "conditions": [{"type": "Complete", "status": "True"}],
        }
    if before is None or after.get("spec") == before.get("spec"):
        return
    if key[0] in WORKLOADS:
        if after["spec"].get("template") != before["spec"].get("template"):
            _roll(cluster, key, before)
        after["status"] = {**after["status"], **healthy_status(key[0], after)}
    elif key[0] == "horizontalpodautoscaler":
        _scale_up(cluster, after)
    elif key[0] == "persistentvolumeclaim":
        after["status"] = {**after["status"], "capacity": after["spec"]["resources"]["requests"]}


def _replace(cluster: MemoryCluster, key: Key, gone: dict[str, Any]) -> None:
    """Make what stands in for a pod that has gone, on a node that somebody will choose."""
    owners = gone["metadata"].get("ownerReferences") or []
    kinds = [each.get("kind") for each in owners if each.get("controller")]
    if key[0] != "pod" or not kinds or kinds[0] not in ("ReplicaSet", "StatefulSet"):
        return
    raw = copy.deepcopy(gone)
    made = f"made-{len(cluster.objects)}-for-{gone['metadata'].get('uid')}"
    # Only a StatefulSet gives the name again.
    name = key[2] if kinds[0] == "StatefulSet" else f"{key[2].rpartition('-')[0]}-{made}"[:253]
    raw["metadata"] |= {"name": name, "uid": made, "resourceVersion": "1"}
    raw.get("spec", {}).pop("nodeName", None)
    raw["status"] = healthy_status("pod", raw)
    cluster.objects[("pod", key[1], name)] = raw


def _roll(cluster: MemoryCluster, key: Key, before: dict[str, Any]) -> None:
    after = cluster.objects[key]
    workload = view(key[0], after)
    assert isinstance(workload, Workload)  # noqa: S101 - for mypy: of one of the three kinds
    kept: KindWord = "replicaset" if key[0] == "deployment" else "controllerrevision"
    history = {
        name: raw
        for (word, namespace, name), raw in cluster.objects.items()
        if word == kept and namespace == key[1] and view(word, raw).belongs_to(workload)
    }
    numbers = [_number(kept, raw) for raw in history.values()]
    found = before["metadata"].get("annotations", {}).get(_REVISION)
    newest = max([*numbers, number_in(found) or 0])
    if not history:
        # The template that ran until now is kept, as a cluster keeps it.
        newest = max(newest, 1)
        _keep(cluster, key, kept, newest, before)
        since = before["metadata"].get("creationTimestamp")
        cluster.objects[(kept, key[1], f"{key[2]}-{newest}")]["metadata"] |= {
            "creationTimestamp": since
        }
    _keep(cluster, key, kept, newest + 1, after)
    if kept == "replicaset":
        after["metadata"].setdefault("annotations", {})[_REVISION] = str(newest + 1)
    template = after["spec"].get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    for (word, namespace, _), raw in cluster.objects.items():
        labels = raw["metadata"].get("labels") or {}
        if word == "pod" and namespace == key[1] and labels_match(workload.selector, labels):
            raw["metadata"]["annotations"] = dict(annotations)
            raw["status"] = healthy_status("pod", raw)


def _keep(
    cluster: MemoryCluster, key: Key, kept: KindWord, number: int, workload: dict[str, Any]
) -> None:
    name = f"{key[2]}-{number}"
    template = copy.deepcopy(workload["spec"].get("template") or {})
    raw: dict[str, Any] = {
        "apiVersion": KINDS[kept].api_version,
        "kind": KINDS[kept].kind,
        "metadata": {
            "name": name,
            "namespace": key[1],
            "uid": f"{workload['metadata']['uid']}-{number}",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": cluster.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "labels": dict((template.get("metadata") or {}).get("labels") or {}),
            "ownerReferences": [
                {
                    "apiVersion": KINDS[key[0]].api_version,
                    "kind": KINDS[key[0]].kind,
                    "name": key[2],
                    "uid": workload["metadata"]["uid"],
                    "controller": True,
                }
            ],
        },
        "status": {},
    }
    if kept == "replicaset":
        raw["metadata"]["annotations"] = {_REVISION: str(number)}
        raw["spec"] = {"replicas": 0, "template": template}
    else:
        raw["revision"] = number
        raw["data"] = {"spec": {"template": {"$patch": "replace", **template}}}
    cluster.objects[(kept, key[1], name)] = raw


def _number(kept: KindWord, raw: dict[str, Any]) -> int:
    if kept == "controllerrevision":
        return int(raw.get("revision") or 0)
    return number_in((raw["metadata"].get("annotations") or {}).get(_REVISION)) or 0


def _scale_up(cluster: MemoryCluster, autoscaler: dict[str, Any]) -> None:
    seen = view("horizontalpodautoscaler", autoscaler)
    assert isinstance(seen, Autoscaler)  # noqa: S101 - for mypy: it is
    for word in ("deployment", "statefulset"):
        key: Key = (word, seen.namespace, seen.scaled[1] if seen.scaled else "")
        raw = cluster.objects.get(key)
        if raw is None or seen.scaled != (word, key[2]):
            continue
        lowest = int(autoscaler["spec"].get("minReplicas", 1))
        if int(raw["spec"].get("replicas", 1)) < lowest:
            raw["spec"]["replicas"] = lowest
            raw["metadata"]["generation"] += 1
            raw["status"] = {**raw["status"], **healthy_status(word, raw)}
