"""A cluster in memory of nodes, workloads and their pods, and rows that incidents share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from runbook_action.errors import AccessDenied, ClusterUnreachable, TargetNotFound
from runbook_action.kinds import KindWord
from runbook_action.objects import KubernetesObject, view
from runbook_action.ports import Cluster
from runbook_action.topology.causes import Known
from runbook_action.topology.reading import Topology
from runbook_action.topology.relating import Mark, Relation

DEPENDS_ON = "sre-platform/depends-on"


@dataclass
class Objects:
    """What there is; only reads are answered, and counted."""

    raws: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    unreachable: bool = False
    reads: int = 0

    def node(self, name: str, ready: str = "True", **conditions: str) -> None:
        listed = {"Ready": ready, **conditions}
        self._put(
            "node",
            {
                "metadata": {"name": name, "uid": f"n-{name}"},
                "status": {
                    "conditions": [{"type": kind, "status": to} for kind, to in listed.items()]
                },
            },
        )

    def workload(
        self, name: str, *pods: tuple[str, bool], kind: KindWord = "deployment", **more: Any
    ) -> None:
        """A workload in apps; of each pod the node, and whether it is ready."""
        namespace = more.pop("namespace", "apps")
        metadata = {"name": name, "namespace": namespace, "uid": f"u-{name}", **more}
        selector = {"matchLabels": {"app": name}}
        self._put(kind, {"metadata": metadata, "spec": {"selector": selector}})
        for number, (node, ready) in enumerate(pods):
            owner = {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "name": name,
                "uid": f"u-{name}",
                "controller": True,
            }
            self._put(
                "pod",
                {
                    "metadata": {
                        "name": f"{name}-{number}",
                        "namespace": namespace,
                        "labels": {"app": name},
                        "ownerReferences": [owner],
                    },
                    "spec": {"nodeName": node},
                    "status": {
                        "phase": "Running",
                        "conditions": [{"type": "Ready", "status": str(ready)}],
                    },
                },
            )

    def _put(self, kind: KindWord, raw: dict[str, Any]) -> None:
        metadata = raw["metadata"]
        self.raws[kind, metadata.get("namespace", ""), metadata["name"]] = raw

    def read(self, kind: KindWord, namespace: str, name: str) -> KubernetesObject:
        self._asked(kind)
        if (kind, namespace, name) not in self.raws:
            raise TargetNotFound(f"{kind} {namespace}/{name}")
        return view(kind, self.raws[kind, namespace, name])

    def list(
        self, kind: KindWord, namespace: str, selector: str = "", fields: str = ""
    ) -> Sequence[KubernetesObject]:
        self._asked(kind)
        found = [view(kind, raw) for (word, _, _), raw in self.raws.items() if word == kind]
        app = selector.partition("=")[2]
        node = fields.partition("=")[2]
        return [
            each
            for each in found
            if (not namespace or each.namespace == namespace)
            and (not app or each.labels.get("app") == app)
            and (not node or each.spec.get("nodeName") == node)
        ]

    def _asked(self, kind: str) -> None:
        self.reads += 1
        if self.unreachable:
            raise ClusterUnreachable("503")
        if kind in self.denied:
            raise AccessDenied(f"403 {kind}")

    @property
    def cluster(self) -> Cluster:
        return cast(Cluster, _Readable(self))


class _Readable:
    """The protocol's own helpers on top of the two reads."""

    pods = Cluster.pods
    pods_on_node = Cluster.pods_on_node
    node = Cluster.node

    def __init__(self, objects: Objects) -> None:
        self.read = objects.read
        self.list = objects.list


@dataclass
class Rows:
    """The rows in memory; ``turn`` is called before each, and may let others go first."""

    turn: Callable[[], object] = lambda: None
    marks: dict[str, dict[str, Mark]] = field(default_factory=dict)
    settled: dict[str, Known] = field(default_factory=dict)
    causes: dict[str, Known] = field(default_factory=dict)
    let_go: set[str] = field(default_factory=set)
    suspects: dict[str, str] = field(default_factory=dict)
    alone: set[str] = field(default_factory=set)
    ends: dict[str, int] = field(default_factory=dict)

    def settle(self, known: Known, topology: Topology) -> Known:
        self.turn()
        first = self.settled.setdefault(known.incident_id, known)
        self.suspects[known.incident_id] = topology.suspect
        return replace(known, level=first.level, began=first.began, timestamp=first.timestamp)

    def mark(self, place: str, known: Known, *, own: bool) -> Sequence[Mark]:
        self.turn()
        row = self.marks.setdefault(place, {})
        row[known.incident_id] = Mark(known, own)
        return list(row.values())

    def hang(self, child: str, cause: Known) -> None:
        self.turn()
        known = self.causes.get(child)
        if child not in self.let_go and (known is None or known.key >= cause.key):
            self.causes[child] = cause

    def ended(self, incident_id: str) -> int | None:
        self.turn()
        return self.ends.get(incident_id)

    def stand_alone(self, incident_id: str) -> None:
        self.alone.add(incident_id)

    def relation(self, incident_id: str) -> Relation:
        self.turn()
        cause = self.causes.get(incident_id)
        suspect = self.suspects.get(incident_id, "")
        if cause is None:
            return Relation(suspect=suspect)
        return Relation(cause.incident_id, cause.timestamp, cause.place, suspect)


def known(name: str, level: int = 1, began: int = 0, **more: Any) -> Known:
    values = {"rank": 2, "timestamp": "2026-11-23T15:14:52.704Z", "place": f"place of {name}"}
    return Known(name, level, began, **{**values, **more})


def at(place: str, *above: str, level: int = 1, suspect: str = "") -> Topology:
    return Topology(place, place, level, above, suspect)
