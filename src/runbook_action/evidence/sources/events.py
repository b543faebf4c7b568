"""The cluster's own events about the objects, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.words import counted, moment_of, plain
from runbook_action.kubernetes_events import CLUSTER_NAMESPACE
from runbook_action.objects import KubernetesObject
from runbook_action.ports import Right

_KEPT = 40
_PODS = 5
_PROBES = ("Readiness", "Liveness", "Startup")


class Events:
    """Events of the workload, its current revision, its autoscaler and its worst pods."""

    name = "events"
    seconds = 4.0
    rights = (Right("events.k8s.io", "events", "list"),)

    def about(self, scene: Scene) -> bool:
        """Whether there is an object that events can be about."""
        return scene.subject is not None

    def gather(self, scene: Scene) -> Gathered:
        """Read them, object by object: a namespace may have thousands."""
        found: dict[str, KubernetesObject] = {}
        for each in _objects(scene):
            fields = f"regarding.uid={each.uid}" if each.kind != "node" else _of_node(each)
            namespace = each.namespace or CLUSTER_NAMESPACE
            for event in scene.tools.cluster.list("event", namespace, fields=fields):
                found[event.uid or event.name] = event
        newest = sorted(found.values(), key=_last, reverse=True)
        told = [_told(each) for each in newest[:_KEPT]]
        return Gathered({"events": told, "found": len(found)}, list(_probes(newest, scene)))


def _of_node(node: KubernetesObject) -> str:
    # The node's own kubelet does not know its uid, and says its name instead.
    return f"regarding.kind=Node,regarding.name={node.name}"


def _objects(scene: Scene) -> Iterator[KubernetesObject]:
    if scene.subject is not None:
        yield scene.subject
    yield from scene.revisions()[:1]
    if (autoscaler := scene.autoscaler()) is not None:
        yield autoscaler
    if scene.subject is not None and scene.subject.kind != "node":
        bad = sorted(scene.pods(), key=lambda pod: (pod.ready, pod.name))
        yield from (each for each in bad[:_PODS] if each is not scene.subject)


def _probes(events: list[KubernetesObject], scene: Scene) -> Iterator[Finding]:
    """Say which probes fail: only an event tells."""
    failing: dict[str, dict[str, str]] = {}
    ready = {pod.name for pod in scene.pods() if pod.ready}
    for event in events:
        regarding: Mapping[str, Any] = event.raw.get("regarding") or {}
        note = str(event.raw.get("note") or "")
        kind = note.partition(" probe ")[0]
        if regarding.get("name") in ready and kind != "Liveness":
            continue  # it came up: that it was not ready at first is no fault
        if event.raw.get("reason") == "Unhealthy" and kind in _PROBES:
            failing.setdefault(kind, {}).setdefault(str(regarding.get("name")), note)
    for kind, pods in failing.items():
        why = next(iter(pods.values())).partition(": ")[2]
        said = f": {plain(why, 100)}" if why else ""
        of = max(len(scene.pods()), len(pods))
        # Only the worst pods were asked about.
        at_least = "at least " if len(pods) == _PODS < of else ""
        yield Finding(23, f"{at_least}{counted(len(pods), of)} fail the {kind.lower()} probe{said}")


def _last(event: KubernetesObject) -> datetime:
    raw = event.raw
    for text in (
        (raw.get("series") or {}).get("lastObservedTime"),
        raw.get("deprecatedLastTimestamp"),
        raw.get("eventTime"),
        event.metadata.get("creationTimestamp"),
    ):
        if (found := moment_of(text)) is not None:
            return found
    return _LONG_AGO


_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _told(event: KubernetesObject) -> dict[str, Any]:
    raw = event.raw
    regarding = raw.get("regarding") or {}
    return {
        "at": _last(event).isoformat(),
        "about": f"{regarding.get('kind')} {regarding.get('name')}",
        "type": raw.get("type"),
        "reason": plain(raw.get("reason") or "", 80),
        "note": plain(raw.get("note") or "", 400),
        "times": (raw.get("series") or {}).get("count") or raw.get("deprecatedCount") or 1,
    }
