"""The shipped admission policies on the real API server, and remediation as they know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, utils

from tests.integration.runbook_action.support import APPS, admin_api, tolerant
from tests.support.waiting import eventually

# Who acts in these tests: the shipped policies know this account, and hold no other.
REMEDIATION_ACCOUNT = {
    "kind": "ServiceAccount",
    "name": "checkout-remediation",
    "namespace": "apps",
}
POLICIES = (
    "base/remediation-policy.yaml",
    "base/remediation-copies.yaml",
    "base/templates-run-before.yaml",
)
_RECORDED = "sre-platform/ran-1"


def hold_remediation(kubeconfig: Path) -> None:
    """Install the shipped policies and wait until the API server goes by them.

    Templates are written down in every namespace: the shipped binding names those of the catalogue.
    """
    admin = admin_api(kubeconfig)
    core: Any = client.CoreV1Api(admin)
    name, namespace = REMEDIATION_ACCOUNT["name"], REMEDIATION_ACCOUNT["namespace"]
    tolerant(core.create_namespace, {"metadata": {"name": namespace}})
    tolerant(core.create_namespaced_service_account, namespace, {"metadata": {"name": name}})
    create: Any = utils.create_from_dict
    for document in shipped_policies():
        tolerant(create, admin, document)
    held = as_remediation(kubeconfig)
    eventually("remediation is held", lambda: _is_held(held))
    eventually("templates are written down", lambda: _is_written_down(admin))


def shipped_policies() -> list[dict[str, Any]]:
    """Every object of the shipped policies, and a binding of the recorder to all namespaces."""
    documents = [
        document
        for file in POLICIES
        for document in yaml.safe_load_all((APPS / file).read_text("utf-8"))
    ]
    recorder = next(each for each in documents if each["kind"] == "MutatingAdmissionPolicy")
    name = recorder["metadata"]["name"]
    binding = {
        "apiVersion": recorder["apiVersion"],
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    }
    return [*documents, binding]


def as_remediation(kubeconfig: Path, name: str = REMEDIATION_ACCOUNT["name"]) -> Any:
    """A client that no Role limits, only the policies: what they let through, they allow."""
    held = admin_api(kubeconfig)
    account = f"{REMEDIATION_ACCOUNT['namespace']}:{name}"
    held.set_default_header("Impersonate-User", f"system:serviceaccount:{account}")
    held.set_default_header("Impersonate-Group", "system:masters")
    return held


def _is_held(held: Any) -> bool:
    core: Any = client.CoreV1Api(held)
    forbidden = {"metadata": {"name": "forbidden"}}
    try:
        core.create_namespaced_config_map("default", forbidden, dry_run="All")
    except client.ApiException as error:
        if error.status != 403:
            raise
        return True
    return False


def _is_written_down(admin: Any) -> bool:
    apps: Any = client.AppsV1Api(admin)
    labels = {"app": "written-down"}
    spec = {"containers": [{"name": "main", "image": "none/none:1"}]}
    deployment = {
        "metadata": {"name": "written-down"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    tolerant(apps.create_namespaced_deployment, "default", deployment)
    spec["containers"][0]["image"] = "none/none:2"
    changed = apps.patch_namespaced_deployment("written-down", "default", deployment, dry_run="All")
    if _RECORDED not in (changed.metadata.annotations or {}):
        return False
    apps.delete_namespaced_deployment("written-down", "default")
    return True
