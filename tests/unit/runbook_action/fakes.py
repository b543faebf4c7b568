"""A cluster and a parameter store in memory that can fail on command.

They do what the actions rely on: versions, generations, template annotations that reach the pods,
and a rollout that moves one step each time somebody waits.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from runbook_action.errors import AccessDenied, ClusterConflict, ClusterThrottled, TargetNotFound
from runbook_action.objects import Autoscaler, Deployment, Node, Pod, ReplicaSet
from runbook_action.ports import Right, Services
from runbook_action.request import Operation, Request, Target, TargetKind

PARAMETER = "/checkout/degraded_mode"
INCIDENT = "7b0f0f5e-8a52-5b1e-9f0a-3d1f7a6c2e11"
OTHER_INCIDENT = "0c9d6e57-5d2c-5b0e-8e0b-1c1d2e3f4a5b"
TOKEN = f"{INCIDENT}/1"  # of the first step


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


class Calls:
    """Every call to the outside, in order; one of them can be made to fail.

    ``fail_at(n, error)`` fails the n-th call from now before it does anything;
    ``fail_at(n, error, after=True)`` after it has done its work, as when an answer is lost.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self._fail: tuple[int, Exception, bool] | None = None

    def fail_at(self, number: int, error: Exception, *, after: bool = False) -> None:
        self._fail = (len(self.log) + number, error, after)

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        self.log.append(name)
        failing = self._fail if self._fail and self._fail[0] == len(self.log) else None
        if failing and not failing[2]:
            raise failing[1]
        result = work()
        if failing:
            raise failing[1]
        return result

    def writes(self) -> list[str]:
        return [call for call in self.log if call.startswith(("patch", "put"))]


@dataclass
class FakeCluster:
    """One Deployment whose pods follow its template, a step for each wait."""

    calls: Calls
    raw: dict[str, Any]
    pod_faults: dict[str, Any] | None = None
    stuck: bool = False
    pod_list: list[dict[str, Any]] = field(default_factory=list)
    hpa: dict[str, Any] | None = None
    denied: set[tuple[str, str, str]] = field(default_factory=set)
    history: list[dict[str, Any]] = field(default_factory=list)
    node_raw: dict[str, Any] = field(
        default_factory=lambda: {
            "metadata": {"name": "node-1", "uid": "n1", "resourceVersion": "1"},
            "spec": {},
        }
    )
    other_nodes: list[dict[str, Any]] = field(default_factory=list)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    selected: list[str] = field(default_factory=list)  # selectors nodes were listed by
    node_pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    budgets: dict[str, int] = field(default_factory=dict)  # pod → refusals still to come
    forbidden: bool = False

    @classmethod
    def of(cls, calls: Calls, replicas: int = 3) -> FakeCluster:
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
        cluster = cls(calls, raw)
        cluster.settle()
        return cluster

    @property
    def template_annotations(self) -> dict[str, str]:
        return dict(self.raw["spec"]["template"]["metadata"].get("annotations", {}))

    def settle(self) -> None:
        """Let the rollout come to its end, and evicted pods go."""
        for name in [each for each, pod in self.node_pods.items() if Pod(pod).terminating]:
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

    def deployment(self, namespace: str, name: str) -> Deployment:
        def read() -> Deployment:
            found = self.raw["metadata"]
            if (namespace, name) != (found["namespace"], found["name"]):
                raise TargetNotFound(f"{namespace}/{name}")
            return Deployment(copy.deepcopy(self.raw))

        return self.calls.run("get deployment", read)  # type: ignore[no-any-return]  # of read

    def patch_deployment(self, current: Deployment, patch: Mapping[str, Any]) -> Deployment:
        def write() -> Deployment:
            if current.resource_version != self.raw["metadata"]["resourceVersion"]:
                raise ClusterConflict("the object has been modified")
            spec = copy.deepcopy(self.raw["spec"])
            self.raw = merge(self.raw, patch)
            self.touch()
            if self.raw["spec"] != spec:
                self.raw["metadata"]["generation"] += 1
            return Deployment(copy.deepcopy(self.raw))

        what = "template" if "spec" in patch else "mark"
        return self.calls.run(f"patch {what}", write)  # type: ignore[no-any-return]  # of write

    def replace_template(
        self, current: Deployment, template: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Deployment:
        def write() -> Deployment:
            if current.resource_version != self.raw["metadata"]["resourceVersion"]:
                raise ClusterConflict("the object has been modified")
            self.raw["spec"]["template"] = copy.deepcopy(dict(template))
            self.raw = merge(self.raw, {"metadata": {"annotations": annotations}})
            self.change_spec()
            return Deployment(copy.deepcopy(self.raw))

        return self.calls.run("patch template", write)  # type: ignore[no-any-return]  # of write

    def replica_sets(self, namespace: str, selector: str) -> Sequence[ReplicaSet]:
        assert (namespace, selector) == ("apps", "app=checkout")
        return [ReplicaSet(copy.deepcopy(each)) for each in self.history]

    def autoscalers(self, namespace: str) -> Sequence[Autoscaler]:
        other = {
            "metadata": {"name": "other", "namespace": "apps"},
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "other"},
                "maxReplicas": 9,
            },
        }
        return [Autoscaler(copy.deepcopy(each)) for each in (other, self.hpa) if each]

    def patch_autoscaler(self, current: Autoscaler, patch: Mapping[str, Any]) -> Autoscaler:
        def write() -> Autoscaler:
            self.hpa = merge(self.hpa, patch)
            return Autoscaler(copy.deepcopy(self.hpa or {}))

        return self.calls.run("patch autoscaler", write)  # type: ignore[no-any-return]  # of write

    def pods(self, namespace: str, selector: str) -> Sequence[Pod]:
        assert (namespace, selector) == ("apps", "app=checkout")
        return [Pod(pod) for pod in self.pod_list]

    def node(self, name: str) -> Node:
        def read() -> Node:
            if self.forbidden:
                raise AccessDenied("403")
            if name != self.node_raw["metadata"]["name"]:
                raise TargetNotFound(name)
            return Node(copy.deepcopy(self.node_raw))

        return self.calls.run("get node", read)  # type: ignore[no-any-return]  # of read

    def nodes(self, selector: str) -> Sequence[Node]:
        def read() -> list[Node]:
            self.selected.append(selector)
            return [Node(copy.deepcopy(each)) for each in (self.node_raw, *self.other_nodes)]

        return self.calls.run("list nodes", read)  # type: ignore[no-any-return]  # of read

    def patch_node(self, current: Node, patch: Mapping[str, Any]) -> Node:
        def write() -> Node:
            if current.resource_version != self.node_raw["metadata"]["resourceVersion"]:
                raise ClusterConflict("the node has been modified")
            self.node_raw = merge(self.node_raw, patch)
            version = int(self.node_raw["metadata"]["resourceVersion"]) + 1
            self.node_raw["metadata"]["resourceVersion"] = str(version)
            return Node(copy.deepcopy(self.node_raw))

        return self.calls.run("patch node", write)  # type: ignore[no-any-return]  # of write

    def pods_on_node(self, name: str) -> Sequence[Pod]:
        return [Pod(copy.deepcopy(pod)) for pod in self.node_pods.values()]

    def allows(self, namespace: str, right: Right) -> bool:
        return self.calls.run(  # type: ignore[no-any-return]  # of the lambda
            f"may {right.verb} {right.resource}?",
            lambda: (namespace, right.resource, right.verb) not in self.denied,
        )

    def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        def write() -> None:
            key = f"{namespace}/{event['metadata']['name']}"
            if key in self.events:
                raise ClusterConflict("already exists")
            self.events[key] = copy.deepcopy(dict(event))

        self.calls.run("create event", write)

    def evict(self, pod: Pod, grace_period_seconds: int | None) -> None:
        if pod.name not in self.node_pods:
            raise TargetNotFound(pod.name)
        if self.budgets.get(pod.name, 0) > 0:
            self.budgets[pod.name] -= 1
            raise ClusterThrottled("The disruption budget checkout needs 2 healthy pods")
        metadata = self.node_pods[pod.name]["metadata"]
        metadata["deletionTimestamp"] = "now"
        metadata["grace"] = grace_period_seconds

    def _pod(self, number: int) -> dict[str, Any]:
        return {
            "metadata": {"name": f"checkout-{number}", "annotations": self.template_annotations},
            "status": {"containerStatuses": [self.pod_faults] if self.pod_faults else []},
        }


@dataclass
class FakeParameters:
    """The parameter store."""

    calls: Calls
    values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        return self.calls.run("get parameter", lambda: self.values.get(name))  # type: ignore[no-any-return]  # of the lambda

    def put(self, name: str, value: str) -> None:
        self.calls.run("put parameter", lambda: self.values.update({name: value}))


@dataclass
class FakeClock:
    """Time that passes only by sleeping; each sleep lets the cluster settle."""

    cluster: FakeCluster
    seconds_left: float = 90.0
    time: datetime = datetime(2026, 11, 23, 15, 14, 52, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def remaining(self) -> float:
        return self.seconds_left

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.seconds_left -= seconds
        self.cluster.settle()


@dataclass
class World:
    """Everything outside the action."""

    calls: Calls
    cluster: FakeCluster
    parameters: FakeParameters
    clock: FakeClock

    @classmethod
    def new(cls, replicas: int = 3, parameter: str | None = "false") -> World:
        calls = Calls()
        cluster = FakeCluster.of(calls, replicas)
        values = {} if parameter is None else {PARAMETER: parameter}
        return cls(calls, cluster, FakeParameters(calls, values), FakeClock(cluster))

    @property
    def services(self) -> Services:
        return Services(self.cluster, self.parameters, self.clock, PARAMETER)

    def state(self) -> dict[str, Any]:
        """What an action can leave behind, without versions and the time of the restart."""
        annotations = dict(self.cluster.template_annotations)
        annotations.pop("kubectl.kubernetes.io/restartedAt", None)
        return {
            "parameter": dict(self.parameters.values),
            "marks": dict(self.cluster.raw["metadata"].get("annotations", {})),
            "template": annotations,
            "replicas": self.cluster.raw["spec"]["replicas"],
        }


def request(
    action: str,
    operation: Operation = "execute",
    *,
    incident_id: str = INCIDENT,
    undo: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    kind: TargetKind = "deployment",
    name: str = "checkout",
    step: int = 1,
) -> Request:
    """A checked request."""
    namespace = "apps" if kind == "deployment" else None
    target = Target(None, namespace, kind, name)
    return Request(operation, action, target, incident_id, parameters or {}, undo, step)
