"""A namespace in memory, and what an alert about it is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runbook_action.errors import AccessDenied
from runbook_action.evidence import Tools, parse_collect
from runbook_action.evidence.operation import collect
from runbook_action.evidence.ports import Measurements
from runbook_action.evidence.scene import Source
from runbook_action.evidence.sources import SOURCES
from srectl.rehearsal.cluster import MemoryCluster
from srectl.rehearsal.manifests import objects_of
from tests.unit.runbook_action.fake_catalogue import FakeCatalogue
from tests.unit.runbook_action.fakes import INCIDENT

BEGAN = datetime(2026, 11, 23, 15, 14, 52, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 15, 15, 0, tzinfo=UTC)
LABELS = {"app": "checkout"}


@dataclass
class FakeLogs:
    """Logs of containers, unless nobody may read them."""

    texts: Mapping[tuple[str, bool], str] = field(default_factory=dict)
    denied: bool = False

    def tail(
        self, namespace: str, pod: str, container: str, *, previous: bool, lines: int, most: int
    ) -> str:
        if self.denied:
            raise AccessDenied("GET pods/log: 403")
        return self.texts.get((pod, previous), "")


@dataclass
class FakeStore:
    """What was kept, by its incident."""

    kept: dict[str, bytes] = field(default_factory=dict)
    error: Exception | None = None

    def keep(self, incident_id: str, document: bytes) -> str:
        if self.error:
            raise self.error
        self.kept[incident_id] = document
        return f"incidents/{incident_id}.json"


@dataclass
class Somewhere:
    """Objects of a cluster, and who is asked for evidence about them."""

    manifests: list[dict[str, Any]] = field(default_factory=list)
    logs: FakeLogs = field(default_factory=FakeLogs)
    store: FakeStore = field(default_factory=FakeStore)
    runbooks: Sequence[Mapping[str, Any]] = ()
    measurements: Measurements | None = None
    sources: Sequence[Source] = SOURCES

    def collected(self, *, began: datetime | None = BEGAN, **alert: Any) -> dict[str, Any]:
        """What the operation answers."""
        objects = objects_of([], self.manifests)
        cluster = MemoryCluster(objects, lambda *_: None, lambda: NOW)
        asked = parse_collect(
            {
                "incident_id": INCIDENT,
                "alert": {
                    "alert_name": "A",
                    "labels": {"namespace": "apps", "deployment": "checkout"},
                    "timestamp": began.isoformat() if began else None,
                    **alert,
                },
            }
        )
        tools = Tools(
            cluster, self.logs, FakeCatalogue(self.runbooks), self.measurements, self.store
        )
        return collect(asked, tools, frozenset({"apps"}), NOW, self.sources)

    @property
    def whole(self) -> dict[str, Any]:
        """What was kept."""
        found: dict[str, Any] = json.loads(self.store.kept[INCIDENT])
        return found

    def of(self, kind: str, name: str) -> dict[str, Any]:
        """One of the manifests, to change it."""
        return next(
            each
            for each in self.manifests
            if (each["kind"], each["metadata"]["name"]) == (kind, name)
        )


def template(image: str, **container: Any) -> dict[str, Any]:
    return {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [{"name": "checkout", "image": image, **container}]},
    }


def deployment(of: dict[str, Any], replicas: int = 3, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "checkout", "namespace": "apps", "uid": "u1", **metadata},
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": of},
    }


def replicaset(number: int, of: dict[str, Any], made: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"checkout-{number}",
            "namespace": "apps",
            "uid": f"rs{number}",
            "labels": LABELS,
            "creationTimestamp": made,
            "annotations": {"deployment.kubernetes.io/revision": str(number)},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": "checkout",
                    "uid": "u1",
                    "controller": True,
                }
            ],
        },
        "spec": {"template": of},
    }


def pod(name: str, *statuses: dict[str, Any], **status: Any) -> dict[str, Any]:
    ready = all(each.get("ready") for each in statuses)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "apps", "uid": f"of-{name}", "labels": LABELS},
        "spec": {
            "nodeName": "node-1",
            "containers": [
                {
                    "name": "checkout",
                    "image": "shop/checkout:2",
                    "resources": {"limits": {"memory": "512Mi"}},
                }
            ],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": list(statuses),
            **status,
        },
    }


def container(*, ready: bool = False, restarts: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "name": "checkout",
        "image": "shop/checkout:2",
        "ready": ready,
        "restartCount": restarts,
        "state": {"running": {}},
        **more,
    }


def ended(reason: str, code: int = 1, **more: Any) -> dict[str, Any]:
    return container(
        restarts=3,
        state={"waiting": {"reason": "CrashLoopBackOff"}},
        lastState={"terminated": {"reason": reason, "exitCode": code, **more}},
    )


def node(name: str = "node-1", made: str = "2026-01-01T00:00:00Z", **of: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": f"of-{name}", "creationTimestamp": made},
        "spec": of.pop("spec", {}),
        "status": {"conditions": [{"type": "Ready", "status": "True"}], **of},
    }


def event(reason: str, note: str, about: dict[str, Any], namespace: str = "apps") -> dict[str, Any]:
    metadata = about["metadata"]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{reason.lower()}", "namespace": namespace},
        "reason": reason,
        "note": note,
        "type": "Warning",
        "deprecatedLastTimestamp": "2026-11-23T15:14:00Z",
        "regarding": {
            "kind": about["kind"],
            "name": metadata["name"],
            "uid": metadata.get("uid"),
        },
    }


def written_by(manager: str, at: str, *path: str, **more: Any) -> dict[str, Any]:
    """An entry of managedFields that owns one field."""
    fields: dict[str, Any] = {}
    within = fields
    for name in path:
        key = name if name.startswith("k:") else f"f:{name}"
        within = within.setdefault(key, {})
    return {"manager": manager, "time": at, "operation": "Update", "fieldsV1": fields, **more}
