"""A namespace with one object of each kind that remediation may write to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from tests.integration.kubernetes_fixtures import KubernetesApi
from tests.integration.runbook_action.admission.copies import end, failed_job, jobs_that_run
from tests.integration.runbook_action.admission.held import as_remediation
from tests.integration.runbook_action.admission.scene import (
    REGISTRIES,
    RUN_BEFORE,
    WORKLOADS,
    Scene,
    template,
)

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def scene(control_plane: KubernetesApi, admin: Any) -> Iterator[Scene]:
    """A namespace whose workloads have run one image and run another, and a node of its name."""
    name = f"held-{next(_numbers)}"
    core: Any = client.CoreV1Api(admin)
    apps: Any = client.AppsV1Api(admin)
    annotations = {REGISTRIES: "team.example/tools, localhost"}
    core.create_namespace({"metadata": {"name": name, "annotations": annotations}})
    core.create_node({"metadata": {"name": name, "labels": {"zone": "a"}}})
    selector = {"matchLabels": {"app": "checkout"}}
    spec = {"selector": selector, "template": template(RUN_BEFORE)}
    old = {"metadata": {"name": "checkout"}, "spec": spec}
    new = [{"op": "replace", "path": "/spec/template", "value": template()}]
    for kind in WORKLOADS:
        getattr(apps, f"create_namespaced_{kind}")(name, old)
        getattr(apps, f"patch_namespaced_{kind}")("checkout", name, new)
    batch: Any = client.BatchV1Api(admin)
    at_work = f"{name}-at-work"
    core.create_namespace({"metadata": {"name": at_work}})
    for namespace in (name, at_work):
        batch.create_namespaced_job(namespace, failed_job())
    end(batch, name)
    for job in jobs_that_run():
        batch.create_namespaced_job(name, job)
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    autoscaler = {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 3}
    autoscaling: Any = client.AutoscalingV2Api(admin)
    autoscaling.create_namespaced_horizontal_pod_autoscaler(
        name, {"metadata": {"name": "checkout"}, "spec": autoscaler}
    )
    storage: Any = client.StorageV1Api(admin)
    storage.create_storage_class(
        {"metadata": {"name": name}, "provisioner": "none/none", "allowVolumeExpansion": True}
    )
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": name,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    core.create_namespaced_persistent_volume_claim(
        name, {"metadata": {"name": "checkout"}, "spec": claim}
    )
    # Only a claim that is bound can grow; nobody provides this one.
    core.patch_namespaced_persistent_volume_claim_status(
        "checkout", name, {"status": {"phase": "Bound", "capacity": {"storage": "100Mi"}}}
    )
    yield Scene(admin, name, as_remediation(control_plane.kubeconfig), at_work)
    core.delete_namespace(name)
    core.delete_namespace(at_work)
    core.delete_node(name)
    storage.delete_storage_class(name)
