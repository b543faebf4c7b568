"""The cluster's own events about the objects, the newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.words import counted, last_seen, plain
from runbook_action.kubernetes_events import CLUSTER_NAMESPACE
from runbook_action.objects import KubernetesObject, Pod, moment_of
from runbook_action.ports import Right

_KEPT = 40
_PODS = 5
_PROBES = ("Readiness", "Liveness", "Startup")
# How long after its last event a probe may fail without another one. Of a pod a kubelet lets
# through 25 events, then one in 5 minutes (client-go, tools/record/events_cache.go); but a liveness
# probe that goes on failing ends its container after a few periods (30 seconds by the defaults).
_REPEATED = {
    "Readiness": timedelta(minutes=6),
    "Startup": timedelta(minutes=6),
    "Liveness": timedelta(minutes=1),
}
_CONTAINER = re.compile(r"\{([^{}]+)\}$")  # of ``spec.containers{checkout}``


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


@dataclass(frozen=True)
class _Failing:
    """The last time that a probe of a pod failed, and whether it still does."""

    at: datetime
    why: str
    goes_on: bool


def _probes(events: list[KubernetesObject], scene: Scene) -> Iterator[Finding]:
    """Say which probes fail, and which have failed: only an event tells."""
    found: dict[tuple[str, bool], dict[str, _Failing]] = {}
    told: set[tuple[str, str]] = set()
    pods = {pod.name: pod for pod in scene.pods()}
    for event in events:  # the newest first
        regarding: Mapping[str, Any] = event.raw.get("regarding") or {}
        kind, _, said = str(event.raw.get("note") or "").partition(" probe ")
        name = str(regarding.get("name"))
        if event.raw.get("reason") != "Unhealthy" or kind not in _PROBES or (kind, name) in told:
            continue
        pod = pods.get(name)
        if pod is not None and pod.ready and kind != "Liveness":
            continue  # it came up: that it was not ready at first is no fault
        told.add((kind, name))
        at = _last(event)
        goes_on = pod is None or _is_still_failing(pod, regarding, at, _REPEATED[kind], scene.now)
        failing = _Failing(at, said.partition(": ")[2], goes_on)
        found.setdefault((kind, goes_on), {})[name] = failing
    for (kind, goes_on), of in found.items():
        yield _said(kind, list(of.values()), max(len(pods), len(of)), scene, goes_on=goes_on)


def _said(kind: str, failing: list[_Failing], of: int, scene: Scene, *, goes_on: bool) -> Finding:
    count, last = len(failing), failing[0]
    # Only the worst pods were asked about.
    at_least = "at least " if count == _PODS < of else ""
    who = f"{at_least}{counted(count, of)}"
    why = f": {plain(last.why, 100)}" if last.why else ""
    probe = f"the {kind.lower()} probe"
    if goes_on:
        return Finding(23, f"{who} {'fails' if count == 1 else 'fail'} {probe}{why}")
    lately = scene.now - last.at <= _REPEATED["Readiness"]
    return Finding(
        23 if lately else 52, f"{who} failed {probe}{last_seen(last.at, scene.began)}{why}"
    )


def _is_still_failing(
    pod: Pod, regarding: Mapping[str, Any], at: datetime, repeated: timedelta, now: datetime
) -> bool:
    """Say whether a probe fails now: an event stays for an hour, whatever comes after it."""
    if now - at > repeated:
        return False
    named = _CONTAINER.search(str(regarding.get("fieldPath") or ""))
    for status in pod.status.get("containerStatuses") or []:
        running = (status.get("state") or {}).get("running")
        if running is None or (named and status.get("name") != named[1]):
            continue
        since = moment_of(running.get("startedAt"))
        if since is None or since <= at:
            return True  # else it was another run of the container that failed
    return False


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
