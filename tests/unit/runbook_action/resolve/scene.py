"""A namespace in memory with one object of each kind, and alerts about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from runbook_action.actions import REGISTRY
from runbook_action.actions.base import Defaults
from runbook_action.fields import Field, IntegerField
from runbook_action.kinds import KINDS, KindWord
from runbook_action.request import TargetKind
from runbook_action.resolve import Policy, parse_resolve, resolve
from tests.unit.runbook_action.fakes import INCIDENT, World

POLICY = Policy(
    {"sre-platform": "sre-platform-eks", "also": "sre-platform-eks", "far": "far-eks"},
    "sre-platform",
    frozenset({"apps", "team-a"}),
)
CHECKOUT = {"kind": "deployment", "namespace": "apps", "name": "checkout"}


def owner(kind: str, name: str, uid: str, group: str = "apps/v1") -> dict[str, Any]:
    return {"apiVersion": group, "kind": kind, "name": name, "uid": uid, "controller": True}


def thing(
    name: str, *owners: dict[str, Any], namespace: str = "apps", **more: Any
) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "ownerReferences": list(owners),
        "annotations": more.pop("annotations", {}),
        "labels": more.pop("labels", {}),
    }
    return {"metadata": {key: value for key, value in metadata.items() if value}, **more}


def pod(
    name: str, *owners: dict[str, Any], claim: str = "", node: str = "", **more: Any
) -> dict[str, Any]:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    spec = {"volumes": volumes, "nodeName": node}
    return thing(name, *owners, spec=spec, status={"phase": "Running"}, **more)


def of_app(name: str, **more: Any) -> dict[str, Any]:
    """The spec of a workload with pods of its own."""
    return {"selector": {"matchLabels": {"app": name}}, **more}


def scene() -> World:
    """A Deployment checkout with its pod, a StatefulSet db with its claim, and what is strange."""
    world = World.new()
    cluster = world.cluster
    cluster.pod_list = []
    everything: Mapping[KindWord, list[dict[str, Any]]] = {
        "namespace": [thing("team-a", namespace="")],
        "replicaset": [
            thing("checkout-1", owner("Deployment", "checkout", "u1")),
            thing("shop-1", owner("Rollout", "shop", "r1", "argoproj.io/v1alpha1")),
            thing("alone-1"),
            thing("loop-1", owner("ReplicaSet", "loop-1", "uid-loop-1")),
        ],
        "statefulset": [
            thing("db", spec=of_app("db", volumeClaimTemplates=[{"metadata": {"name": "data"}}])),
            thing("operated", owner("Cluster", "pg", "p", "pg.io/v1")),
        ],
        "daemonset": [thing("agent")],
        "cronjob": [thing("export")],
        "job": [
            thing(
                "export-1",
                owner("CronJob", "export", "uid-export", "batch/v1"),
                spec=of_app("export-1"),
            ),
            thing("import-1", spec=of_app("import-1")),
        ],
        "persistentvolumeclaim": [
            thing(name) for name in ("data-db-0", "data-db-7", "unused", "shared", "work")
        ],
        "pod": [
            pod(
                "checkout-1-a",
                owner("ReplicaSet", "checkout-1", "uid-checkout-1"),
                labels={"app": "checkout"},
                node="node-1",
            ),
            pod(
                "db-0",
                owner("StatefulSet", "db", "uid-db"),
                claim="data-db-0",
                labels={"app": "db"},
                node="node-2",
            ),
            pod(
                "export-1-x",
                owner("Job", "export-1", "uid-export-1", "batch/v1"),
                claim="work",
                labels={"app": "export-1"},
                node="node-3",
            ),
            pod("import-1-x", owner("Job", "import-1", "uid-import-1", "batch/v1")),
            pod("shop-1-a", owner("ReplicaSet", "shop-1", "uid-shop-1")),
            pod("alone-1-a", owner("ReplicaSet", "alone-1", "uid-alone-1")),
            pod("loop-1-a", owner("ReplicaSet", "loop-1", "uid-loop-1")),
            pod("earlier-1-a", owner("ReplicaSet", "checkout-1", "an-earlier-one")),
            pod("bare"),
            pod("static", owner("Node", "node-1", "n1", "v1")),
            pod("stale", owner("StatefulSet", "db", "an-earlier-one")),
            pod("lookalike", owner("Deployment", "checkout", "x", "example.com/v1")),
            pod("one", owner("StatefulSet", "db", "uid-db"), claim="shared"),
            pod("two", owner("DaemonSet", "agent", "uid-agent"), claim="shared"),
        ],
        "horizontalpodautoscaler": [
            autoscaler("checkout"),
            autoscaler("keda-hpa-shop", owner("ScaledObject", "shop", "k", "keda.sh/v1")),
            autoscaler("shop", scaled=("argoproj.io/v1alpha1", "Rollout", "shop")),
            autoscaler("lookalike", scaled=("example.com/v1", "Deployment", "checkout")),
            autoscaler("db", scaled=("apps/v1", "StatefulSet", "db")),
        ],
    }
    for kind, raws in everything.items():
        cluster.put(kind, *raws)
    cluster.node_raw["status"] = {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}
    cluster.other_nodes = [
        node("node-2", "10.0.0.2"),
        node("node-3", "10.0.0.9", "fd00::3"),
        node("node-4", "10.0.0.9"),
    ]
    return world


def autoscaler(
    name: str,
    *owners: dict[str, Any],
    scaled: tuple[str, str, str] = ("apps/v1", "Deployment", "checkout"),
) -> dict[str, Any]:
    reference = dict(zip(("apiVersion", "kind", "name"), scaled, strict=True))
    return thing(name, *owners, spec={"scaleTargetRef": reference, "maxReplicas": 9})


def node(name: str, *addresses: str) -> dict[str, Any]:
    listed = [{"type": "InternalIP", "address": each} for each in addresses]
    return {"metadata": {"name": name, "uid": name}, "spec": {}, "status": {"addresses": listed}}


def stored(world: World, kind: KindWord, name: str) -> dict[str, Any]:
    """The object itself, to change it."""
    namespace = "apps" if KINDS[kind].namespaced else ""
    return world.cluster.stored(kind, namespace, name)


def annotate(world: World, kind: KindWord, name: str, value: str) -> None:
    metadata = stored(world, kind, name)["metadata"]
    metadata.setdefault("annotations", {})["sre-platform/remediation"] = value


class Touch(Defaults):
    """An action on any kind of object; nobody runs it here."""

    name = "touch"
    target_kinds = frozenset(get_args(TargetKind))
    fields: Mapping[str, Field] = {"count": IntegerField(1, 9)}


ACTIONS: Mapping[str, Any] = {**REGISTRY, "touch": Touch()}


def from_alert(kind: str, **more: Any) -> dict[str, Any]:
    bounds = {} if kind == "node" else {"namespaces": ["apps", "team-*"]}
    return {"from_alert": kind, **bounds, "names": ["*"], **more}


def runbook(target: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "Mend", "action": "touch", "target": target, "on_failure": "keep", **more}


def resolved(
    world: World,
    definition: Mapping[str, Any],
    labels: Mapping[str, Any],
    *,
    cluster: str | None = "sre-platform",
    **policy: Any,
) -> dict[str, Any]:
    """What the operation answers to a runbook and the labels of an alert."""
    asked = parse_resolve(
        {
            "operation": "resolve",
            "runbook": definition,
            "alert": {"labels": labels, "target": {"cluster": cluster}},
            "incident_id": INCIDENT,
        }
    )
    return resolve(asked, ACTIONS, replace(POLICY, **policy), lambda _: world.services)
