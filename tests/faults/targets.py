"""The objects that runbooks of a campaign act on, and those runbooks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import kubernetes
import yaml

from onemachine.stack.state import StackState
from srectl.operate import rbac
from tests.faults.bodies import runbook_of
from tests.faults.kinds import Plan

__all__ = ["NAMESPACE", "Targets", "definitions", "manifest"]

NAMESPACE = "apps"
_LABEL = "sre-faults"
_ROLE = "sre-faults"
_NOT_FOUND, _THERE_ALREADY = 404, 409
_GUARD = {"cooldown_seconds": 0, "max_actions": 20, "window_seconds": 60}
_VERIFY_SECONDS = 15
# Where faults have kept a runbook from helping three times it asks, and nobody answers here.
_UNANSWERED = {"required": False, "timeout_seconds": 60}
_STEPS: Mapping[str, Mapping[str, Any]] = {
    "scale": {"action": "scale_deployment", "parameters": {"step": 1, "max_replicas": 6}},
    "restart": {"action": "restart_deployment"},
    "evict": {"action": "evict_pod"},
    "switch": {"action": "enable_degraded_mode"},
}
_RESTORED = ("scale", "switch")


def definitions(plan: Plan) -> list[dict[str, Any]]:
    """Give the runbooks that the firings of a plan select."""
    wanted = sorted({(each.kind, each.target) for each in plan.firings if each.acts})
    return [_definition(kind, target) for kind, target in wanted]


def _definition(kind: str, target: str) -> dict[str, Any]:
    what: dict[str, Any] = {"kind": "deployment", "namespace": NAMESPACE, "name": target}
    if kind == "evict":
        what = {"from_alert": "pod", "namespaces": [NAMESPACE], "names": [f"{target}-*"]}
    restore = {"restore": {"after_seconds": 2, "watch_seconds": 1}} if kind in _RESTORED else {}
    return {
        "name": runbook_of(kind, target),
        "description": "Only for campaigns of faults.",
        "severities": ["critical", "warning"],
        "strategy": "ladder",
        "target": what,
        "on_failure": "undo" if kind != "evict" else "keep",
        "steps": [
            {**_STEPS[kind], "verify_seconds": _VERIFY_SECONDS, "approval": dict(_UNANSWERED)}
        ],
        "guard": dict(_GUARD),
        **restore,
    }


def manifest(name: str) -> dict[str, Any]:
    """Give a Deployment of one pod that does nothing."""
    labels = {"app.kubernetes.io/name": name, _LABEL: "target"}
    container = {
        "name": "idle",
        "image": "idle",
        "command": ["/bin/sleep", "86400"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


class Targets:
    """Makes and removes the Deployments of a campaign, as the cluster's administrator.

    Parameters
    ----------
    state : StackState
        The stack.
    """

    def __init__(self, state: StackState) -> None:
        # Typed Any: the client's annotations want objects where it takes manifests as well.
        self._kube: Any = kubernetes
        api = self._kube.config.new_client_from_config(state.endpoints["kubeconfig"])
        self._apps: Any = self._kube.client.AppsV1Api(api)
        self._core: Any = self._kube.client.CoreV1Api(api)
        self._policy: Any = self._kube.client.PolicyV1Api(api)
        self._rbac: Any = self._kube.client.RbacAuthorizationV1Api(api)

    def allow(self, runbooks: Sequence[Mapping[str, Any]]) -> None:
        """Grant remediation what these runbooks need beside the shipped catalogue's rights."""
        self.forbid()
        for made in yaml.safe_load_all(rbac.manifests(runbooks, [NAMESPACE], "namespaces")):
            if made["kind"] == "Role":
                made["metadata"]["name"] = _ROLE
                self._rbac.create_namespaced_role(NAMESPACE, made)
            elif made["kind"] == "RoleBinding":
                made["metadata"]["name"] = made["roleRef"]["name"] = _ROLE
                self._rbac.create_namespaced_role_binding(NAMESPACE, made)

    def forbid(self) -> None:
        """Take what was granted back."""
        for delete in (
            self._rbac.delete_namespaced_role,
            self._rbac.delete_namespaced_role_binding,
        ):
            try:
                delete(_ROLE, NAMESPACE)
            except self._kube.client.ApiException as error:
                if error.status != _NOT_FOUND:
                    raise

    def make(self, names: Sequence[str]) -> None:
        """Create the Deployments; those that are there already stay."""
        for name in names:
            try:
                self._apps.create_namespaced_deployment(NAMESPACE, manifest(name))
            except self._kube.client.ApiException as error:
                if error.status != _THERE_ALREADY:
                    raise

    def ready(self) -> bool:
        """Tell whether every Deployment has all its pods."""
        found = self._apps.list_namespaced_deployment(NAMESPACE, label_selector=_LABEL).items
        return all((each.status.ready_replicas or 0) == each.spec.replicas for each in found)

    def remove(self, names: Sequence[str]) -> None:
        """Delete the Deployments."""
        for name in names:
            self._apps.delete_namespaced_deployment(name, NAMESPACE)

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Give every Deployment of the namespace as the API does, by its name."""
        answer = self._apps.list_namespaced_deployment(NAMESPACE, _preload_content=False)
        return {each["metadata"]["name"]: each for each in json.loads(answer.data)["items"]}

    def pod_of(self, name: str) -> str:
        """Give a pod of a Deployment that is not on its way out; a name of none without any."""
        found = self._core.list_namespaced_pod(
            NAMESPACE, label_selector=f"app.kubernetes.io/name={name}"
        ).items
        there = [each.metadata.name for each in found if not each.metadata.deletion_timestamp]
        return there[0] if there else f"{name}-none"

    def forbid_disruption(self, names: Sequence[str]) -> None:
        """Let no pod of these Deployments leave."""
        for name in names:
            budget = {
                "metadata": {"name": f"{name}-deadlock", "namespace": NAMESPACE},
                "spec": {
                    "maxUnavailable": 0,
                    "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
                },
            }
            self._policy.create_namespaced_pod_disruption_budget(NAMESPACE, budget)

    def allow_disruption(self, names: Sequence[str]) -> None:
        """Take those budgets away."""
        for name in names:
            try:
                self._policy.delete_namespaced_pod_disruption_budget(f"{name}-deadlock", NAMESPACE)
            except self._kube.client.ApiException as error:
                if error.status != _NOT_FOUND:
                    raise
