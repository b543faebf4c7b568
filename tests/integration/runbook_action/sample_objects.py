"""What the sample inputs of the newer actions are about, in ``apps`` of a cluster of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.rights import looked_at, needed
from tests.integration.runbook_action.fault_cases import rules_of
from tests.integration.runbook_action.support import (
    NO_SCHEDULER,
    REMEDIATION_GROUP,
    Place,
    running,
)
from tests.support.waiting import eventually

STATEFUL = "orders"
CLAIM = "data-orders-0"
JOB = "report-29"


def grant_what_is_declared(place: Place) -> None:
    """Give the group every right that an action declares, and what it takes to ask for consent.

    The shipped Role follows a catalogue, which has not all of them.
    """
    rbac: Any = client.RbacAuthorizationV1Api(place.admin)
    rules = rules_of(
        {
            right: None
            for action in REGISTRY.values()
            for kind in action.target_kinds
            for right in (*needed(action, kind), *looked_at({"kind": kind}))
        }
    )
    name = {"name": "every-action"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", **name}
    subjects = [{"kind": "Group", "name": REMEDIATION_GROUP}]
    rbac.create_cluster_role({"metadata": name, "rules": rules})
    rbac.create_cluster_role_binding({"metadata": name, "roleRef": role, "subjects": subjects})


def create_objects(place: Place) -> None:
    """A StatefulSet with two revisions, an autoscaler, a failed Job and a claim."""
    place.statuses.status = _status
    place.statuses.also = lambda: _grow(place)
    _create_stateful_set(place)
    autoscaling: Any = client.AutoscalingV2Api(place.admin)
    # At rest: an autoscaler leaves what has no replicas alone.
    place.create_deployment("at-rest", replicas=0)
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "at-rest"}
    autoscaling.create_namespaced_horizontal_pod_autoscaler(
        "apps",
        {
            "metadata": {"name": "basket"},
            "spec": {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 3},
        },
    )
    _create_failed_job(place)
    _create_claim(place)


def _status(pod: Any) -> dict[str, Any] | None:
    """Pods run; those of the first run of the Job fail, those of the second do their work."""
    job = (pod.metadata.labels or {}).get("job-name")
    status = running(pod)
    if status is None or job is None:
        return status
    code = int(job == JOB)
    for container in status["containerStatuses"]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ended = {"exitCode": code, "startedAt": now, "finishedAt": now, "reason": "Ended"}
        container.update(ready=False, started=False, state={"terminated": ended})
    return {**status, "phase": "Failed" if code else "Succeeded"}


def _grow(place: Place) -> None:
    """Storage gives what a claim asks for."""
    for claim in place.core.list_namespaced_persistent_volume_claim("apps").items:
        wanted = claim.spec.resources.requests["storage"]
        if ((claim.status.capacity or {}).get("storage")) != wanted:
            status = {"phase": "Bound", "capacity": {"storage": wanted}}
            place.core.patch_namespaced_persistent_volume_claim_status(
                claim.metadata.name, "apps", {"status": status}
            )


def _pod(image: str, **more: Any) -> dict[str, Any]:
    return {
        "schedulerName": NO_SCHEDULER,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": image,
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
        **more,
    }


def _create_stateful_set(place: Place) -> None:
    labels = {"app": STATEFUL}
    template = {"metadata": {"labels": labels}, "spec": _pod("none/none:1")}
    spec = {
        "replicas": 1,
        "serviceName": STATEFUL,
        "selector": {"matchLabels": labels},
        "template": template,
    }
    place.apps.create_namespaced_stateful_set(
        "apps", {"metadata": {"name": STATEFUL}, "spec": spec}
    )
    template["spec"] = _pod("none/none:2")
    place.apps.patch_namespaced_stateful_set(STATEFUL, "apps", {"spec": {"template": template}})

    def settled() -> bool:
        found = place.apps.read_namespaced_stateful_set(STATEFUL, "apps")
        status = found.status
        return bool(
            status.observed_generation == found.metadata.generation
            and status.ready_replicas == 1
            and status.current_revision == status.update_revision
        )

    eventually("the StatefulSet is settled", settled)


def _create_failed_job(place: Place) -> None:
    batch: Any = client.BatchV1Api(place.admin)
    template = {"spec": _pod("none/none:1", restartPolicy="Never")}
    batch.create_namespaced_job(
        "apps", {"metadata": {"name": JOB}, "spec": {"backoffLimit": 0, "template": template}}
    )
    eventually(
        "the Job has failed", lambda: bool(batch.read_namespaced_job(JOB, "apps").status.failed)
    )


def _create_claim(place: Place) -> None:
    storage: Any = client.StorageV1Api(place.admin)
    storage.create_storage_class(
        {
            "metadata": {"name": "of-the-samples"},
            "provisioner": "example.com/nobody",
            "allowVolumeExpansion": True,
        }
    )
    place.core.create_namespaced_persistent_volume_claim(
        "apps",
        {
            "metadata": {"name": CLAIM},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "of-the-samples",
                "volumeName": "of-the-samples",
                "resources": {"requests": {"storage": "10Gi"}},
            },
        },
    )
    eventually(
        "the claim is bound",
        lambda: (
            place.core.read_namespaced_persistent_volume_claim(CLAIM, "apps").status.phase
            == "Bound"
        ),
    )


def remove_objects(place: Place) -> None:
    """Leave the namespace as it was."""
    batch: Any = client.BatchV1Api(place.admin)
    place.apps.delete_namespaced_stateful_set(STATEFUL, "apps")
    place.apps.delete_namespaced_deployment("at-rest", "apps")
    batch.delete_collection_namespaced_job("apps", propagation_policy="Background")
    place.core.delete_namespaced_persistent_volume_claim(CLAIM, "apps")
