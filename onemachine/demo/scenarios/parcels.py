"""A workload of another team than checkout's, which no runbook of the platform knows by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onemachine.demo.scenarios.ground import Ground
from onemachine.stack.names import NAMESPACE

__all__ = ["DEPLOYMENT_PATH", "NAME", "deployment", "is_up", "rolled_out"]

NAME = "parcels"
DEPLOYMENT_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
_WORKS = "echo ready to send parcels; exec sleep 86400"


def deployment(
    version: str, replicas: int | None = 2, script: str = _WORKS, node: str = ""
) -> Mapping[str, Any]:
    """Give the Deployment in one of its versions.

    Parameters
    ----------
    version : str
        Tag of its image.
    replicas : int, optional
        How many pods; None where an autoscaler owns the number.
    script : str
        What its container runs.
    node : str
        Where its pods run; empty: anywhere.
    """
    labels = {"app.kubernetes.io/name": NAME}
    container = {
        "name": NAME,
        "image": f"registry.example/{NAME}:{version}",
        "command": ["/bin/sh", "-c", script],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    pod = {
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        **({"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            **({} if replicas is None else {"replicas": replicas}),
            "selector": {"matchLabels": labels},
            # What ends as soon as it starts must not count as available in between.
            "minReadySeconds": 3,
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def is_up(ground: Ground) -> bool:
    """Whether all of its pods are of the version that is wanted, and available."""
    found = ground.get(DEPLOYMENT_PATH)
    wanted = found["spec"]["replicas"]
    told = found.get("status", {})
    return bool(
        told.get("observedGeneration") == found["metadata"]["generation"]
        and told.get("availableReplicas") == told.get("updatedReplicas") == wanted
        and told.get("replicas") == wanted
    )


def rolled_out(ground: Ground, version: str) -> str:
    """Say so once all pods are of this version."""
    found = ground.get(DEPLOYMENT_PATH)
    image = found["spec"]["template"]["spec"]["containers"][0]["image"]
    if not image.endswith(f":{version}") or not is_up(ground):
        return ""
    revision = found["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
    return f"{NAME} runs {image} again, revision {revision}"
