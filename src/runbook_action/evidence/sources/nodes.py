"""The nodes that the pods are on, or that the alert names; and which nodes have joined lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

from runbook_action.errors import TargetNotFound
from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.words import plain, relative
from runbook_action.kubernetes_events import CLUSTER_NAMESPACE
from runbook_action.objects import Node, moment_of
from runbook_action.ports import Right
from runbook_action.rights import rights

_NODES = 5
_LATELY = timedelta(hours=1)
_PRESSURE = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


class Nodes:
    """Their conditions, taints and age."""

    name = "nodes"
    seconds = 4.0
    rights = (
        *rights("node", "get"),
        Right("events.k8s.io", "events", "list", "default"),
    )

    def about(self, scene: Scene) -> bool:
        """Whether the alert leads to a node or to pods."""
        return bool(scene.node) or scene.subject is not None

    def gather(self, scene: Scene) -> Gathered:
        """Read the nodes, and the events of those that joined."""
        nodes = [node for name in _names(scene) if (node := _read(scene, name)) is not None]
        joined = _joined(scene)
        facts = {"nodes": [_told(each) for each in nodes], "joined": [_age(n) for n in joined]}
        findings = [finding for each in nodes for finding in _wrong_with(each, scene)]
        for each in joined:
            at = each.created
            if at is not None:
                findings.append(Finding(55, f"node {each.name} joined {relative(at, scene.began)}"))
        return Gathered(facts, findings)


def _names(scene: Scene) -> list[str]:
    named = [scene.node] if scene.node else []
    if scene.subject is not None and scene.subject.kind == "node":
        return list(dict.fromkeys([scene.subject.name, *named]))
    bad = Counter(each.node for each in scene.pods() if each.node and not each.ready)
    rest = Counter(each.node for each in scene.pods() if each.node and each.ready)
    by_worst = [name for name, _ in [*bad.most_common(), *rest.most_common()]]
    return list(dict.fromkeys([*named, *by_worst]))[:_NODES]


def _read(scene: Scene, name: str) -> Node | None:
    try:
        return scene.tools.cluster.node(name)
    except TargetNotFound:
        return None


def _joined(scene: Scene) -> list[Node]:
    """Give nodes that joined lately: of a large cluster not all are read, only those told of."""
    fields = "reason=RegisteredNode"
    events = scene.tools.cluster.list("event", CLUSTER_NAMESPACE, fields=fields)
    names = dict.fromkeys(
        str((each.raw.get("regarding") or {}).get("name"))
        for each in sorted(events, key=lambda e: str(e.metadata.get("creationTimestamp")))
    )
    found = []
    for name in list(names)[-_NODES:]:
        node = _read(scene, name)
        at = node.created if node else None
        if node is not None and at is not None and abs(scene.began - at) <= _LATELY:
            found.append(node)
    return found


def _wrong_with(node: Node, scene: Scene) -> Iterator[Finding]:
    ready = node.condition("Ready")
    if ready and not node.ready:
        since = moment_of(ready.get("lastTransitionTime"))
        when = f" since {relative(since, scene.began)}" if since else ""
        what = "is not heard of" if node.silent else "is not ready"
        reason = plain(ready.get("reason") or "", 60)
        yield Finding(16, f"node {node.name} {what}{when}{f' ({reason})' if reason else ''}")
    for kind in _PRESSURE:
        if node.condition(kind).get("status") == "True":
            yield Finding(17, f"node {node.name} has {kind}")
    if node.unschedulable:
        yield Finding(40, f"node {node.name} is cordoned")


def _age(node: Node) -> dict[str, Any]:
    return {"name": node.name, "made_at": node.metadata.get("creationTimestamp")}


def _told(node: Node) -> dict[str, Any]:
    conditions = cast(list[dict[str, Any]], node.status.get("conditions") or [])
    return {
        **_age(node),
        "cordoned": node.unschedulable,
        "taints": [f"{each.get('key')}:{each.get('effect')}" for each in node.taints][:20],
        "conditions": [
            {
                "type": each.get("type"),
                "status": each.get("status"),
                "reason": each.get("reason"),
                "since": each.get("lastTransitionTime"),
                "message": plain(each.get("message") or "", 200),
            }
            for each in conditions[:15]
        ],
        "allocatable": node.status.get("allocatable") or {},
        "kubelet": (node.status.get("nodeInfo") or {}).get("kubeletVersion"),
    }
