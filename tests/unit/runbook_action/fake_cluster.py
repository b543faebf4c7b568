"""One cluster in memory, with a workload whose pods follow its template a step for each wait."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runbook_action.errors import AccessDenied, ClusterConflict, ClusterThrottled, TargetNotFound
from runbook_action.kinds import KindWord
from runbook_action.objects import Autoscaler, KubernetesObject, Pod, Workload, view
from runbook_action.ports import Cluster, Right, T
from runbook_action.request import TargetKind
from tests.unit.runbook_action.calls import Calls

RUNNING = {"name": "checkout", "restartCount": 0, "state": {"running": {}}}
Raws = list[dict[str, Any]]  # in the class, "list" is the method


def merge(into: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(into) if isinstance(into, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


@dataclass
class FakeCluster(Cluster):
    """One Deployment whose pods follow its template, a step for each wait."""

    calls: Calls
    raw: dict[str, Any]
    kind: TargetKind = "deployment"
    pod_faults: dict[str, Any] | None = None
    stuck: bool = False
    pod_list: Raws = field(default_factory=list)
    hpa: dict[str, Any] | None = None
    denied: set[tuple[str, str, str]] = field(default_factory=set)
    held: bool = True
    history: Raws = field(default_factory=list)
    node_raw: dict[str, Any] = field(
        default_factory=lambda: {
            "metadata": {"name": "node-1", "uid": "n1", "resourceVersion": "1"},
            "spec": {},
        }
    )
    namespace_raw: dict[str, Any] = field(default_factory=lambda: {"metadata": {"name": "apps"}})
    more: dict[KindWord, Raws] = field(default_factory=dict)
    # One that could take the pods of the first.
    other_nodes: Raws = field(
        default_factory=lambda: [
            {
                "metadata": {"name": "node-2"},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }
        ]
    )
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    selected: list[str] = field(default_factory=list)  # selectors that were listed by
    node_pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods_elsewhere: dict[str, Raws] = field(default_factory=dict)
    lingering: set[str] = field(default_factory=set)  # pods that nobody ends
    refusals: dict[str, Exception] = field(default_factory=dict)  # pod → why never
    budgets: dict[str, int] = field(default_factory=dict)  # pod → refusals still to come
    forbidden: bool = False
    at_settling: Callable[[], object] = lambda: None  # what else happens while somebody waits

    @classmethod
    def of(cls, calls: Calls, replicas: int = 3, kind: TargetKind = "deployment") -> FakeCluster:
        raw = {
            "metadata": {
                "name": "checkout",
                "namespace": "apps",
                "uid": "u1",
                "resourceVersion": "1",
                "generation": 1,
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "checkout"}},
                "template": {"metadata": {"labels": {"app": "checkout"}}},
            },
            "status": {},
        }
        cluster = cls(calls, raw, kind)
        cluster.settle()
        return cluster

    @property
    def template_annotations(self) -> dict[str, str]:
        return dict(self.raw["spec"]["template"]["metadata"].get("annotations", {}))

    def settle(self) -> None:
        """Let the rollout come to its end, and evicted pods go."""
        self.at_settling()
        for name in [each for each, pod in self.node_pods.items() if Pod(pod).terminating]:
            if name not in self.lingering:
                del self.node_pods[name]
        if self.hpa and self.raw["spec"]["replicas"] < self.hpa["spec"]["minReplicas"]:
            self.raw["spec"]["replicas"] = self.hpa["spec"]["minReplicas"]
            self.change_spec()
        replicas = self.raw["spec"]["replicas"]
        ready = 0 if self.stuck else replicas
        self.raw["status"] = {
            "observedGeneration": self.raw["metadata"]["generation"],
            "replicas": replicas + (1 if self.stuck else 0),
            "updatedReplicas": replicas if not self.stuck else 1,
            "readyReplicas": replicas,
            "availableReplicas": ready,
            # As a StatefulSet, and as a DaemonSet says the same.
            "currentRevision": "old" if self.stuck else "new",
            "updateRevision": "new",
            "desiredNumberScheduled": replicas,
            "currentNumberScheduled": replicas,
            "updatedNumberScheduled": replicas if not self.stuck else 1,
            "numberReady": replicas,
            "numberAvailable": ready,
        }
        self.pod_list = [self._pod(number) for number in range(replicas)]

    def touch(self) -> None:
        """Somebody writes the object, be it only its controller the status."""
        self.raw["metadata"]["resourceVersion"] = str(
            int(self.raw["metadata"]["resourceVersion"]) + 1
        )

    def change_spec(self) -> None:
        """Somebody else changes what the object asks for."""
        self.touch()
        self.raw["spec"]["minReadySeconds"] = self.raw["spec"].get("minReadySeconds", 0) + 1
        self.raw["metadata"]["generation"] += 1

    def written_by(self, manager: str, raw: dict[str, Any], *path: str, **values: Any) -> None:
        """Another hand writes fields of an object, as the API server notes it."""
        within = raw
        fields: dict[str, Any] = {}
        owned = fields
        for key in path:
            within = within.setdefault(key, {})
            owned = owned.setdefault(f"f:{key}", {})
        for key, value in values.items():
            if value is None:
                within.pop(key, None)
            else:
                within[key] = value
                owned[f"f:{key}"] = {}
        metadata = raw["metadata"]
        metadata["resourceVersion"] = str(int(metadata.get("resourceVersion") or 0) + 1)
        metadata["generation"] = metadata.get("generation", 0) + 1
        entry = {"manager": manager, "time": "2026-11-23T15:20:00Z", "fieldsV1": fields}
        metadata.setdefault("managedFields", []).append(entry)

    def read(self, kind: KindWord, namespace: str, name: str) -> KubernetesObject:
        def read() -> KubernetesObject:
            if self.forbidden and kind == "node":
                raise AccessDenied("403")
            return view(kind, copy.deepcopy(self.stored(kind, namespace, name)))

        found: KubernetesObject = self.calls.run(f"get {kind}", read)
        return found

    def list(
        self, kind: KindWord, namespace: str, selector: str = "", fields: str = ""
    ) -> Sequence[KubernetesObject]:
        def read() -> list[KubernetesObject]:
            if fields:
                name = fields.removeprefix("spec.nodeName=")
                here = name == self.node_raw["metadata"]["name"]
                pods = self.node_pods.values() if here else self.pods_elsewhere.get(name, [])
                return [view(kind, copy.deepcopy(each)) for each in pods]
            self.selected.append(selector)
            return [
                view(kind, copy.deepcopy(each))
                for each in self.all_of(kind)
                if (not namespace or each["metadata"].get("namespace") == namespace)
                and (kind == "node" or matches(selector, each["metadata"].get("labels") or {}))
            ]

        # Only what can change an outcome counts as a call that may fail.
        found: Sequence[KubernetesObject] = (
            self.calls.run("list nodes", read) if kind == "node" else read()
        )
        return found

    def patch(self, current: T, patch: Mapping[str, Any]) -> T:
        return self._written(current, lambda raw: merge(raw, patch), _what(current, patch))

    def replace(self, current: T, values: Mapping[str, Any]) -> T:
        def put(raw: dict[str, Any]) -> dict[str, Any]:
            raw = copy.deepcopy(raw)
            for pointer, value in values.items():
                *path, last = pointer.strip("/").split("/")
                within = raw
                for key in path:
                    within = within.setdefault(key, {})
                within[last] = copy.deepcopy(value)
            return raw

        return self._written(current, put, "patch template")

    def _written(self, current: T, change: Callable[[dict[str, Any]], Any], name: str) -> T:
        def write() -> T:
            stored = self.stored(current.kind, current.namespace, current.name)
            if current.resource_version != stored["metadata"].get("resourceVersion", ""):
                raise ClusterConflict("the object has been modified")
            spec = copy.deepcopy(stored.get("spec"))
            changed = change(stored)
            stored.clear()
            stored.update(changed)
            metadata = stored["metadata"]
            metadata["resourceVersion"] = str(int(metadata.get("resourceVersion") or 0) + 1)
            if stored.get("spec") != spec:
                metadata["generation"] = metadata.get("generation", 0) + 1
            return type(current)({"kind": current.kind_name, **copy.deepcopy(stored)})

        written: T = self.calls.run(name, write)
        return written

    def create(self, kind: KindWord, namespace: str, body: Mapping[str, Any]) -> KubernetesObject:
        def write() -> KubernetesObject:
            name = body["metadata"]["name"]
            if any(each["metadata"]["name"] == name for each in self.all_of(kind)):
                raise ClusterConflict(f"{kind} {name} already exists")
            made = merge(body, {"metadata": {"namespace": namespace, "uid": f"of-{name}"}})
            self.put(kind, made)
            return view(kind, copy.deepcopy(made))

        made: KubernetesObject = self.calls.run(f"create {kind}", write)
        return made

    def put(self, kind: KindWord, *raws: dict[str, Any]) -> None:
        """There are these as well."""
        self.more.setdefault(kind, []).extend(raws)

    def all_of(self, kind: KindWord) -> Raws:
        """Everything of a kind."""
        other = {
            "metadata": {"name": "other", "namespace": "apps"},
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "other"},
                "maxReplicas": 9,
            },
        }
        known: dict[str, Raws] = {
            self.kind: [self.raw],
            "replicaset": self.revisions,
            "controllerrevision": self.revisions,
            "horizontalpodautoscaler": [other, *([self.hpa] if self.hpa else [])],
            "node": [self.node_raw, *self.other_nodes],
            "pod": [*self.pod_list, *self.node_pods.values()],
            "event": [*self.events.values()],
            "namespace": [self.namespace_raw],
        }
        return [*known.get(kind, []), *self.more.get(kind, [])]

    @property
    def revisions(self) -> Raws:
        """The history, or else the one revision that every workload has."""
        return self.history or [
            {
                "metadata": {
                    "name": "checkout-new",
                    "namespace": "apps",
                    "uid": "rs-new",
                    "labels": {"app": "checkout", "controller-revision-hash": "new"},
                    "ownerReferences": [{"uid": self.raw["metadata"]["uid"], "controller": True}],
                },
                "spec": {"template": copy.deepcopy(self.raw["spec"]["template"])},
            }
        ]

    def _owner(self) -> str:
        """What owns the pods of the current template."""
        uid = self.raw["metadata"]["uid"]
        if self.kind != "deployment":
            return str(uid)
        own = [
            each
            for each in self.revisions
            if {"uid": uid}.items() <= each["metadata"]["ownerReferences"][0].items()
        ]
        number = "deployment.kubernetes.io/revision"
        newest = max(
            own, key=lambda each: int(each["metadata"].get("annotations", {}).get(number, 0))
        )
        return str(newest["metadata"].get("uid", ""))

    def stored(self, kind: KindWord, namespace: str, name: str) -> dict[str, Any]:
        """The object itself, not a copy."""
        for each in self.all_of(kind):
            metadata = each["metadata"]
            if (metadata.get("namespace") or "", metadata["name"]) == (namespace, name):
                return each
        raise TargetNotFound(f"{kind} {namespace}/{name}")

    def allows(self, namespace: str, right: Right) -> bool:
        return self.calls.run(  # type: ignore[no-any-return]  # of the lambda
            f"may {right.verb} {right.resource}?",
            lambda: (namespace, right.resource, right.verb) not in self.denied,
        )

    def is_held(self, current: KubernetesObject) -> bool:
        return self.calls.run(  # type: ignore[no-any-return]  # of the lambda
            f"held on {current.name}?", lambda: self.held
        )

    def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        def write() -> None:
            key = f"{namespace}/{event['metadata']['name']}"
            if key in self.events:
                raise ClusterConflict("already exists")
            self.events[key] = copy.deepcopy(dict(event))

        self.calls.run("create event", write)

    def evict(self, pod: Pod, grace_period_seconds: int | None) -> None:
        def write() -> None:
            found = {each["metadata"]["name"]: each for each in self.all_of("pod")}
            if pod.name not in found:
                raise TargetNotFound(pod.name)
            if pod.name in self.refusals:
                raise self.refusals[pod.name]
            if self.budgets.get(pod.name, 0) > 0:
                self.budgets[pod.name] -= 1
                raise ClusterThrottled("The disruption budget checkout needs 2 healthy pods")
            metadata = found[pod.name]["metadata"]
            metadata["deletionTimestamp"] = "now"
            metadata["grace"] = grace_period_seconds

        self.calls.run(f"evict {pod.name}", write)

    def _pod(self, number: int) -> dict[str, Any]:
        return {
            "metadata": {
                "name": f"checkout-{number}",
                "namespace": "apps",
                "labels": {"app": "checkout", "controller-revision-hash": "new"},
                "annotations": self.template_annotations,
                "ownerReferences": [{"uid": self._owner(), "controller": True}],
            },
            "status": {"containerStatuses": [self.pod_faults or RUNNING]},
        }


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector of equalities, and of labels that are there, matches."""
    terms = [term.partition("=") for term in selector.split(",") if term]
    return all(labels.get(key) == value if equal else key in labels for key, equal, value in terms)


def _what(current: KubernetesObject, patch: Mapping[str, Any]) -> str:
    if isinstance(current, Workload):
        return "patch template" if "spec" in patch else "patch mark"
    return "patch autoscaler" if isinstance(current, Autoscaler) else f"patch {current.kind}"
