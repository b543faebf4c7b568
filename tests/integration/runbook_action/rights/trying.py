"""An action with everything that it may meet, so that each right it declares comes to be needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from kubernetes import client

from runbook_action.actions.base import Action
from runbook_action.errors import AccessDenied, RunbookActionError
from runbook_action.kubernetes_events import tell_of
from runbook_action.marks import RESTARTED_FOR
from runbook_action.outcome import Outcome
from runbook_action.ports import Right
from runbook_action.request import Operation, Request, Target, TargetKind
from tests.integration.runbook_action.admission.held import REMEDIATION_ACCOUNT
from tests.integration.runbook_action.drain_scene import create_pods
from tests.integration.runbook_action.grants import grant, take_back
from tests.integration.runbook_action.support import NO_SCHEDULER, Place, crashing
from tests.support.waiting import eventually

_OPERATIONS: tuple[Operation, ...] = ("plan", "execute", "verify", "undo")
_NAME = "checkout"
# Whatever an action takes; those that it does not know are left out.
_PARAMETERS = {"step": 1, "max_replicas": 500, "step_gib": 1, "max_gib": 500}
_REPLACE_PODS = ("ReplicaSet", "StatefulSet", "DaemonSet")


@dataclass
class Trial:
    """One action on one kind of target, as an account whose rights are set one by one."""

    place: Place
    action: Action
    kind: TargetKind
    node: str

    def prepare(self) -> None:
        """Make what the action may meet."""
        {
            "deployment": self._deployment,
            "statefulset": self._stateful_set,
            "daemonset": self._daemon_set,
            "horizontalpodautoscaler": lambda: self._autoscaler("Deployment"),
            "persistentvolumeclaim": self._claim,
            "job": self._job,
            "pod": self._controllers,
        }.get(self.kind, lambda: None)()

    def grant(self, rights: Iterable[Right]) -> None:
        """Give the account these rights and no others."""
        given: dict[str, list[Right]] = {"target": [], "cluster": [], "default": []}
        for right in rights:
            given[right.where].append(right)
        rbac: Any = client.RbacAuthorizationV1Api(self.place.admin)
        name = self.place.namespace
        own = {"rules": _rules(given["target"])}
        rbac.patch_namespaced_role(REMEDIATION_ACCOUNT["name"], name, own)
        rbac.patch_cluster_role(name, {"rules": _rules(given["cluster"])})
        rbac.patch_namespaced_role(name, "default", {"rules": _rules(given["default"])})

    def wait_until(self, right: Right, *, allowed: bool) -> None:
        """Wait until the API server goes by what was granted."""
        namespace = {"target": self.place.namespace, "default": "default", "cluster": ""}
        eventually(
            f"{right} {'granted' if allowed else 'taken away'}",
            lambda: self.place.cluster.allows(namespace[right.where], right) is allowed,
        )

    def go_through(self, seconds: float = 0) -> None:
        """Every operation, and what is told of it; whatever else than a denial stops none.

        Parameters
        ----------
        seconds
            How long an operation may watch.
        """
        self._forget_what_was_raised()
        for name in self._names():
            incident, undo = str(uuid4()), None
            for operation in _OPERATIONS:
                request = self._request(operation, name, incident, undo)
                with _unless_denied():
                    act = getattr(self.action, operation)
                    outcome = act(request, self.place.services(seconds))
                    if operation == "execute" and outcome.undo is not None:
                        undo = outcome.undo.parameters
            told = Outcome("succeeded", "Done.", changed=True)
            with _unless_denied():
                tell_of(self._request("execute", name, incident), told, self.place.services())

    def _forget_what_was_raised(self) -> None:
        """What a denied call has raised already, this one would not have to."""
        self.place.leases.kept.clear()
        if self.kind in ("deployment", "statefulset"):
            autoscaling: Any = client.AutoscalingV2Api(self.place.admin)
            autoscaling.patch_namespaced_horizontal_pod_autoscaler(
                _NAME, self.place.namespace, {"spec": {"minReplicas": 1}}
            )

    def _request(
        self,
        operation: Operation,
        name: str,
        incident: str,
        undo: Mapping[str, Any] | None = None,
    ) -> Request:
        namespace = None if self.kind == "node" else self.place.namespace
        known = self.action.fields
        return Request(
            operation=operation,
            action=self.action.name,
            target=Target(None, namespace, self.kind, name),
            incident_id=incident,
            parameters={key: value for key, value in _PARAMETERS.items() if key in known},
            undo=undo,
        )

    def _names(self) -> list[str]:
        if self.kind == "node":
            create_pods(self.place, self.node, [f"pod-{uuid4()}"])
            return [self.node]
        if self.kind == "pod":
            return [self._owned_pod(kind) for kind in _REPLACE_PODS]
        return [_NAME]

    def _deployment(self) -> None:
        """With an earlier revision and an autoscaler."""
        self._autoscaler("Deployment")
        self.place.apps.patch_namespaced_deployment(_NAME, self.place.namespace, _released())

    def _stateful_set(self) -> None:
        """With an autoscaler, and a pod of its earlier revision that never will be ready."""
        self.place.statuses.status = crashing
        self._autoscaler("StatefulSet")
        apps, namespace = self.place.apps, self.place.namespace
        apps.create_namespaced_stateful_set(namespace, self._workload(serviceName=_NAME))
        eventually("a pod that crashes", self._crashes)
        apps.patch_namespaced_stateful_set(_NAME, namespace, _released())

        def is_seen() -> bool:
            found = apps.read_namespaced_stateful_set(_NAME, namespace)
            return bool(found.status.observed_generation == found.metadata.generation)

        eventually("the new revision is seen", is_seen)

    def _daemon_set(self) -> None:
        self.place.apps.create_namespaced_daemon_set(self.place.namespace, self._workload())
        self.place.apps.patch_namespaced_daemon_set(_NAME, self.place.namespace, _released())

    def _controllers(self) -> None:
        """One of each kind that replaces a pod; none has any."""
        apps, namespace = self.place.apps, self.place.namespace
        apps.create_namespaced_replica_set(namespace, self._workload(replicas=0))
        apps.create_namespaced_stateful_set(
            namespace, self._workload(serviceName=_NAME, replicas=0)
        )
        apps.create_namespaced_daemon_set(namespace, self._workload())

    def _crashes(self) -> bool:
        pods = self.place.core.list_namespaced_pod(
            self.place.namespace, label_selector="app=of-the-trial"
        ).items
        return any(pod.status.container_statuses for pod in pods)

    def _workload(self, **more: Any) -> dict[str, Any]:
        labels = {"app": "of-the-trial"}
        template = {"metadata": {"labels": labels}, "spec": _pod("none/none:1")}
        spec = {"selector": {"matchLabels": labels}, "template": template, **more}
        return {"metadata": {"name": _NAME}, "spec": spec}

    def _autoscaler(self, kind: str) -> None:
        autoscaling: Any = client.AutoscalingV2Api(self.place.admin)
        scaled = {"apiVersion": "apps/v1", "kind": kind, "name": _NAME}
        autoscaling.create_namespaced_horizontal_pod_autoscaler(
            self.place.namespace,
            {
                "metadata": {"name": _NAME},
                "spec": {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 400},
            },
        )

    def _claim(self) -> None:
        """Bound, of a class that allows to expand it."""
        storage: Any = client.StorageV1Api(self.place.admin)
        core, name = self.place.core, self.place.namespace
        storage.create_storage_class(
            {"metadata": {"name": name}, "provisioner": "none/none", "allowVolumeExpansion": True}
        )
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "resources": {"requests": {"storage": "1Gi"}},
        }
        claim = {"metadata": {"name": _NAME}, "spec": spec}
        core.create_namespaced_persistent_volume_claim(name, claim)
        bound = {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
        core.patch_namespaced_persistent_volume_claim_status(_NAME, name, bound)

    def _job(self) -> None:
        """One that has failed, a run of a CronJob."""
        namespace = self.place.namespace
        batch: Any = client.BatchV1Api(self.place.admin)
        pod = {**_pod("none/none:1"), "restartPolicy": "Never"}
        spec = {"activeDeadlineSeconds": 1, "template": {"spec": pod}}
        metadata: dict[str, Any] = {"name": _NAME}
        yearly = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
        made = batch.create_namespaced_cron_job(namespace, {"metadata": metadata, "spec": yearly})
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": _NAME, "controller": True}
        owners = [{**owner, "uid": made.metadata.uid}]
        metadata = {"name": _NAME, "ownerReferences": owners}
        batch.create_namespaced_job(namespace, {"metadata": metadata, "spec": spec})

        def failed() -> bool:
            found = batch.read_namespaced_job(_NAME, namespace).status.conditions or []
            return any(each.type == "Failed" for each in found)

        eventually("the job fails", failed)

    def _owned_pod(self, kind: str) -> str:
        """A pod that says it belongs to one of a kind; of a group that nobody collects."""
        name = f"pod-{uuid4()}"
        owner = {"apiVersion": "none.example/v1", "kind": kind, "name": _NAME, "uid": str(uuid4())}
        metadata = {"name": name, "ownerReferences": [{**owner, "controller": True}]}
        pod = {"metadata": metadata, "spec": _pod("none/none:1")}
        self.place.core.create_namespaced_pod(self.place.namespace, pod)
        return name


class _unless_denied(suppress):  # noqa: N801 - reads as a statement
    """Let an action fail in any way but for want of a right."""

    def __init__(self) -> None:
        super().__init__(RunbookActionError)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        return not isinstance(error, AccessDenied) and bool(super().__exit__(kind, error, trace))


def open_cluster_wide(place: Place) -> Callable[[], None]:
    """Bind what ``grant`` gives beyond the namespace; returns what takes it away again."""
    for namespace in ("", "default"):
        grant(place.admin, place.namespace, place.namespace, [], namespace=namespace)
    return partial(take_back, place.admin, place.namespace)


def _rules(rights: Iterable[Right]) -> list[dict[str, list[str]]]:
    return [
        {"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]}
        for right in rights
    ]


def _pod(image: str) -> dict[str, Any]:
    return {
        "schedulerName": NO_SCHEDULER,
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": _NAME, "image": image}],
    }


def _released() -> dict[str, Any]:
    """A patch that makes a second revision."""
    container = {"name": _NAME, "image": "none/none:2"}
    # As if restarted: only pods that have these marks count as new.
    marked = {"annotations": {RESTARTED_FOR: "an-earlier-incident/1"}}
    return {"spec": {"template": {"metadata": marked, "spec": {"containers": [container]}}}}
