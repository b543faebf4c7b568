"""A node that dies: nothing is heard of it any more, and what ran there neither runs nor ends."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from onemachine.demo.scenarios import parcels
from onemachine.demo.scenarios.ground import Ground
from onemachine.demo.scenarios.record import Scenario
from onemachine.processes.waiting import wait_until
from onemachine.stack.names import NAMESPACE

__all__ = ["NODE_FAILURE"]

_NODE = "node-b"
_NODE_PATH = f"/api/v1/nodes/{_NODE}"
_PODS_ON_IT = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{_NODE}"
_TILL = "till"
_TILL_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/{_TILL}"
_UP_SECONDS = 60
# Here rather than elsewhere, but elsewhere rather than nowhere.
_RATHER_THERE = {
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {
                "weight": 100,
                "preference": {
                    "matchExpressions": [
                        {"key": "kubernetes.io/hostname", "operator": "In", "values": [_NODE]}
                    ]
                },
            }
        ]
    }
}

# So long their pods stay on a node that is not heard: until after the alert, and not until a human
# who takes half a minute has answered. Kubernetes' own five minutes are half a minute here.
_STAY_SECONDS = 75
_STAYING = [
    {
        "key": f"node.kubernetes.io/{key}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": _STAY_SECONDS,
    }
    for key in ("unreachable", "not-ready")
]


def _workloads() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Give a Deployment, whose pod is made anew elsewhere, and a StatefulSet, whose pod is not.

    Nobody knows whether the pod of a StatefulSet still runs on a node that is not heard: a second
    one of its name could write to the same data.
    """
    deployment: dict[str, Any] = deepcopy(dict(parcels.deployment("1.4.2")))
    pod = deployment["spec"]["template"]["spec"]
    pod |= {"affinity": _RATHER_THERE, "tolerations": _STAYING}
    labels = {"app.kubernetes.io/name": _TILL}
    container = {**pod["containers"][0], "name": _TILL, "image": f"registry.example/{_TILL}:3.1.0"}
    stateful = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": _TILL, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": 1,
            "serviceName": _TILL,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {**pod, "containers": [container]},
            },
        },
    }
    return deployment, stateful


def _prepare(ground: Ground) -> None:
    ground.apply(*_workloads())

    def are_up() -> bool:
        return parcels.is_up(ground) and _till_is_up(ground) and _TILL in _left(ground)

    wait_until(are_up, f"parcels and {_TILL} to be up on {_NODE}", _UP_SECONDS)


def _till_is_up(ground: Ground) -> bool:
    return bool(ground.get(_TILL_PATH).get("status", {}).get("readyReplicas") == 1)


def _left(ground: Ground) -> str:
    """Name the pods that are on the node."""
    return " ".join(each["metadata"]["name"] for each in ground.get(_PODS_ON_IT)["items"])


def _kill(ground: Ground) -> None:
    """Its kubelet says nothing any more, neither of itself nor of its pods."""
    ground.node_fault(_NODE).write_text("silent", "ascii")


def _replace(ground: Ground) -> None:
    """Its machine is made anew: what ran on the old one has ended, and the kubelet is heard."""
    ground.node_fault(_NODE).unlink()


def _runs_elsewhere(ground: Ground) -> str:
    cordoned = ground.get(_NODE_PATH)["spec"].get("unschedulable")
    if not cordoned or _left(ground) or not (parcels.is_up(ground) and _till_is_up(ground)):
        return ""
    return f"{_NODE} is cordoned and empty; parcels and {_TILL} run elsewhere"


NODE_FAILURE = Scenario(
    name="node-failure",
    breaks=f"{_NODE} dies, with pods of checkout, parcels and {_TILL} on it",
    alert="KubeNodeUnreachable",
    besides=("KubeNodeNotReady",),
    about={"node": _NODE},
    runbook="DrainNode",
    answer="asks",
    action="drain_node",
    ends=(
        "one page for the node, on which the alerts of what stood there hang; a human takes half "
        "a minute to say yes, while the control plane takes away pods that were to be evicted, and "
        "is not asked again for that; the node is drained, and a human replaces its machine"
    ),
    prepare=_prepare,
    breaking=_kill,
    by_hand=_replace,
    mended=_runs_elsewhere,
    needs_nodes=True,
    without_rules=("nodes",),
    thinks_seconds=30,
    children=1,
)
