"""One action on a target that is ready for it, and everything that an API server may answer.

``FaultCase`` knows the faults; a scene says what its action acts on, what refuses it, and what is
there once it is done. The identity has the rights that the action declares, and no others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kubernetes import client

from onemachine.processes.ports import free_port
from runbook_action.actions import REGISTRY
from runbook_action.errors import ClusterConflict
from runbook_action.objects import GROUP_LABELS
from runbook_action.outcome import Outcome
from runbook_action.request import Request, Target, TargetKind
from runbook_action.rights import needed
from tests.integration.runbook_action.faulty_proxy import FaultyProxy
from tests.integration.runbook_action.grants import grant, take_back
from tests.integration.runbook_action.support import NO_SCHEDULER, Place
from tests.support.waiting import eventually

IMAGE = "none/none:1"
LABELS = {"app": "target"}
POD = {"schedulerName": NO_SCHEDULER, "terminationGracePeriodSeconds": 0}


def repeated(execute: Callable[[], Outcome]) -> Outcome:
    """Execute once more, as the state machine does: also where controllers were quicker."""
    for _ in range(3):
        with contextlib.suppress(ClusterConflict):
            return execute()
    return execute()


class FaultCase:
    """An action, its target, and what goes wrong."""

    kind: TargetKind
    name = "target"
    parameters: dict[str, Any] = {}  # noqa: RUF012 - each scene has its own
    # Merged into the target by somebody else, between our read and our write.
    meanwhile: dict[str, Any]
    # By how much ``effects`` grows when it is done.
    once = 1

    def __init__(self, action: str, place: Place, proxy: FaultyProxy) -> None:
        self.action, self.place, self.proxy = action, place, proxy
        self.name = self.target = type(self).name
        self.grant()
        self.prepare()
        eventually("the rights are granted", lambda: self.may() == {True})
        place.access.url = proxy.url
        self.before = self.effects()

    # What a scene says.

    def prepare(self) -> None:
        """Make the target."""
        raise NotImplementedError

    def patch(self, patch: dict[str, Any]) -> None:
        """Change the target as somebody else who may."""
        raise NotImplementedError

    def refusal(self) -> None:
        """Make the target one that the action refuses."""
        raise NotImplementedError

    def effects(self) -> int:
        """How often something was done that must be done once."""
        raise NotImplementedError

    def is_done(self) -> bool:
        """Whether exactly what was asked for is there."""
        raise NotImplementedError

    # What all share.

    def request(self) -> Request:
        asked = self.place.request(self.action, name=self.name, parameters=self.parameters)
        namespace = None if self.kind == "node" else self.place.namespace
        return replace(asked, target=Target(None, namespace, self.kind, self.name))

    def execute(self) -> Outcome:
        return REGISTRY[self.action].execute(self.request(), self.place.services(seconds=60))

    def grant(self) -> None:
        """Give the identity the rights that the action declares."""
        rbac: Any = client.RbacAuthorizationV1Api(self.place.admin)
        declared = needed(REGISTRY[self.action], self.kind)
        within = rules_of(each for each in declared if each.where == "target")
        rbac.patch_namespaced_role("checkout-remediation", self.place.namespace, {"rules": within})
        beyond = rules_of(each for each in declared if each.where == "cluster")
        if not beyond:
            return
        grant(self.place.admin, self.place.namespace, self.place.namespace, beyond)

    def may(self) -> set[bool]:
        """What the API server says of the declared rights."""
        declared = needed(REGISTRY[self.action], self.kind)
        within = {"target": self.place.namespace, "cluster": "", "default": "default"}
        return {
            self.place.cluster.allows(within[each.where], each)
            for each in declared
            if each.where != "default"
        }

    def clear(self) -> None:
        """Take away what lies in no namespace."""
        take_back(self.place.admin, self.place.namespace)

    # What goes wrong.

    def unreachable(self) -> None:
        self.place.access.url = f"http://127.0.0.1:{free_port()}"

    def unauthorized(self) -> None:
        self.place.access.bearer = "nonsense"

    def forbidden(self) -> None:
        rbac: Any = client.RbacAuthorizationV1Api(self.place.admin)
        rbac.patch_namespaced_role("checkout-remediation", self.place.namespace, {"rules": []})
        FaultCase.clear(self)
        self.place.access.url, url = self.proxy.upstream, self.place.access.url
        eventually("the rights are gone", lambda: self.may() == {False})
        self.place.access.url = url

    def missing(self) -> None:
        self.name = "missing"

    def conflict(self) -> None:
        self.proxy.before = lambda: self.patch(self.meanwhile)

    def invalid(self) -> None:
        self.proxy.mangle = True

    def throttled(self) -> None:
        self.proxy.answer = 429

    def server_error(self) -> None:
        self.proxy.answer = 500

    def halfway(self) -> None:
        self.proxy.lose = True


def rules_of(declared: Iterable[Any]) -> list[dict[str, Any]]:
    """Rules of a Role, one for each right."""
    return [
        {"apiGroups": [each.group], "resources": [each.resource], "verbs": [each.verb]}
        for each in declared
    ]


class OnStatefulSet(FaultCase):
    """One pod of a StatefulSet."""

    kind: TargetKind = "statefulset"
    meanwhile = {"spec": {"minReadySeconds": 1}}  # noqa: RUF012

    def prepare(self) -> None:
        containers = [{"name": "main", "image": IMAGE}]
        spec = {
            "replicas": 1,
            "serviceName": self.name,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": {**POD, "containers": containers}},
        }
        self.place.apps.create_namespaced_stateful_set(
            self.place.namespace, {"metadata": {"name": self.name}, "spec": spec}
        )
        self.wait()
        if self.action == "rollback_workload":
            containers[0]["image"] = "none/none:2"
            self.patch({"spec": {"template": spec["template"]}})
            self.wait()
        if self.action == "scale_workload":
            self.parameters = {"step": 1, "max_replicas": 5}

    def wait(self) -> None:
        def settled() -> bool:
            found = self.found()
            status = found.status
            return bool(
                status.observed_generation == found.metadata.generation
                and status.ready_replicas == found.spec.replicas
                and status.current_revision == status.update_revision
            )

        eventually("the StatefulSet is settled", settled)

    def found(self) -> Any:
        return self.place.apps.read_namespaced_stateful_set("target", self.place.namespace)

    def patch(self, patch: dict[str, Any]) -> None:
        self.place.apps.patch_namespaced_stateful_set("target", self.place.namespace, patch)

    def refusal(self) -> None:
        if self.action == "scale_workload":
            self.parameters = {"step": 1, "max_replicas": 1}
        else:
            self.patch({"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}})

    def effects(self) -> int:
        """Templates it has had, and pods asked for."""
        kept = self.place.apps.list_namespaced_controller_revision(self.place.namespace).items
        return len(kept) + int(self.found().spec.replicas)

    def is_done(self) -> bool:
        spec = self.found().spec
        wanted = 2 if self.action == "scale_workload" else 1
        image = spec.template.spec.containers[0].image
        return bool(spec.replicas == wanted and image == IMAGE)


class OnPod(FaultCase):
    """The pod of a ReplicaSet."""

    kind = "pod"

    def prepare(self) -> None:
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {**POD, "containers": [{"name": "main", "image": IMAGE}]},
            },
        }
        self.place.apps.create_namespaced_replica_set(
            self.place.namespace, {"metadata": {"name": "target"}, "spec": spec}
        )
        eventually("its pod is ready", lambda: len(self.ready()) == 1)
        (self.name,) = self.ready()
        self.first = self.name

    def ready(self) -> list[str]:
        return [
            pod.metadata.name
            for pod in self.place.core.list_namespaced_pod(self.place.namespace).items
            if not pod.metadata.deletion_timestamp
            and any(
                each.type == "Ready" and each.status == "True"
                for each in pod.status.conditions or []
            )
        ]

    def patch(self, patch: dict[str, Any]) -> None:
        self.place.core.patch_namespaced_pod(self.first, self.place.namespace, patch)

    def refusal(self) -> None:
        self.patch({"metadata": {"ownerReferences": None, "labels": {"app": "let-go"}}})
        eventually("it is let go", lambda: len(self.ready()) == 2)

    def effects(self) -> int:
        return int(self.first not in self.ready())

    def is_done(self) -> bool:
        return self.first not in self.ready() and len(self.ready()) == 1


class OnAutoscaler(FaultCase):
    """An autoscaler of nothing."""

    kind = "horizontalpodautoscaler"
    parameters = {"step": 2, "max_replicas": 10}  # noqa: RUF012
    meanwhile = {"spec": {"minReplicas": 2}}  # noqa: RUF012
    once = 2

    @property
    def autoscaling(self) -> Any:
        return client.AutoscalingV2Api(self.place.admin)

    def prepare(self) -> None:
        scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nothing"}
        self.autoscaling.create_namespaced_horizontal_pod_autoscaler(
            self.place.namespace,
            {
                "metadata": {"name": self.name},
                "spec": {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 3},
            },
        )

    def patch(self, patch: dict[str, Any]) -> None:
        self.autoscaling.patch_namespaced_horizontal_pod_autoscaler(
            "target", self.place.namespace, patch
        )

    def refusal(self) -> None:
        self.patch({"spec": {"maxReplicas": 10}})

    def effects(self) -> int:
        found = self.autoscaling.read_namespaced_horizontal_pod_autoscaler(
            "target", self.place.namespace
        )
        return int(found.spec.max_replicas)

    def is_done(self) -> bool:
        return self.effects() == self.before + 2


class OnNode(FaultCase):
    """A ready node that nothing runs on."""

    kind = "node"
    meanwhile = {"spec": {"podCIDR": "10.9.9.0/24"}}  # noqa: RUF012

    def prepare(self) -> None:
        self.name = self.node = self.place.namespace
        # A group of its own: other tests leave nodes behind that nobody runs.
        labels = {GROUP_LABELS[-1]: self.node}
        for name in (self.node, f"beside-{self.node}"):
            self.place.core.create_node({"metadata": {"name": name, "labels": labels}})
            self.say_ready("True", name)
        # Its taints come off by themselves: a change under the action.
        eventually("it is taken up", lambda: not self.place.core.read_node(self.node).spec.taints)
        self.once = 1 if self.action == "cordon_node" else -1
        if self.action == "uncordon_node":
            self.patch({"spec": {"unschedulable": True}})

    def patch(self, patch: dict[str, Any]) -> None:
        self.place.core.patch_node(self.node, patch)

    def refusal(self) -> None:
        if self.action == "cordon_node":
            labels = self.place.core.read_node(self.node).metadata.labels
            self.place.core.create_node(
                {"metadata": {"name": f"other-than-{self.node}", "labels": labels}}
            )
        else:
            self.say_ready("False")

    def say_ready(self, status: str, name: str = "") -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {"type": "Ready", "status": status, "reason": "Said", "lastHeartbeatTime": now}
        self.place.core.patch_node_status(name or self.node, {"status": {"conditions": [ready]}})

    def clear(self) -> None:
        super().clear()
        self.place.core.delete_collection_node(label_selector=f"{GROUP_LABELS[-1]}={self.node}")

    def effects(self) -> int:
        return int(bool(self.place.core.read_node(self.node).spec.unschedulable))

    def is_done(self) -> bool:
        return self.effects() == int(self.action == "cordon_node")


class OnJob(FaultCase):
    """A failed Job that no controller looks after: what ends it, or its copy, is said here."""

    kind = "job"
    meanwhile = {"spec": {"parallelism": 2}}  # noqa: RUF012

    @property
    def batch(self) -> Any:
        return client.BatchV1Api(self.place.admin)

    def prepare(self) -> None:
        self.make(self.target)
        self.end("target", "FailureTarget", "Failed")

    def make(self, name: str) -> None:
        containers = [{"name": "main", "image": IMAGE}]
        pod = {**POD, "restartPolicy": "Never", "containers": containers}
        spec = {"managedBy": "example.com/nobody", "template": {"spec": pod}}
        self.batch.create_namespaced_job(
            self.place.namespace, {"metadata": {"name": name}, "spec": spec}
        )

    def patch(self, patch: dict[str, Any]) -> None:
        self.batch.patch_namespaced_job("target", self.place.namespace, patch)

    def end(self, name: str, *conditions: str) -> None:
        now = "2026-11-23T15:14:52Z"
        ended = [
            {"type": each, "status": "True", "reason": "Said", "lastTransitionTime": now}
            for each in conditions
        ]
        status: dict[str, Any] = {"startTime": now, "conditions": ended}
        if "Complete" in conditions:
            status["completionTime"] = now
        self.batch.patch_namespaced_job_status(name, self.place.namespace, {"status": status})

    def copies(self) -> list[str]:
        found = self.batch.list_namespaced_job(self.place.namespace).items
        return [
            each.metadata.name for each in found if each.metadata.name not in ("target", "young")
        ]

    def execute(self) -> Outcome:
        """The copy does its work while it is watched."""
        action = REGISTRY[self.action]
        first = action.execute(self.request(), self.place.services(seconds=0))
        if first.status != "in_progress":
            return first
        (name,) = self.copies()
        self.end(name, "SuccessCriteriaMet", "Complete")
        return action.execute(self.request(), self.place.services(seconds=0))

    def refusal(self) -> None:
        self.name = "young"
        self.make(self.name)

    def effects(self) -> int:
        return len(self.copies())

    def is_done(self) -> bool:
        return len(self.copies()) == 1


class OnClaim(FaultCase):
    """A bound claim of a class that allows growth, with nobody behind it."""

    kind = "persistentvolumeclaim"
    parameters = {"step_gib": 2, "max_gib": 10}  # noqa: RUF012
    once = 2

    def prepare(self) -> None:
        self.storage_class(growing=True)
        self.place.core.create_namespaced_persistent_volume_claim(
            self.place.namespace,
            {
                "metadata": {"name": self.name},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": self.place.namespace,
                    "volumeName": f"of-{self.place.namespace}",
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            },
        )
        self.give("1Gi")

    def storage_class(self, *, growing: bool) -> None:
        storage: Any = client.StorageV1Api(self.place.admin)
        storage.create_storage_class(
            {
                "metadata": {"name": self.place.namespace},
                "provisioner": "example.com/nobody",
                "allowVolumeExpansion": growing,
            }
        )

    def give(self, size: str) -> None:
        self.place.core.patch_namespaced_persistent_volume_claim_status(
            "target",
            self.place.namespace,
            {"status": {"phase": "Bound", "capacity": {"storage": size}}},
        )

    def patch(self, patch: dict[str, Any]) -> None:
        self.place.core.patch_namespaced_persistent_volume_claim(
            "target", self.place.namespace, patch
        )

    def execute(self) -> Outcome:
        """The storage grows while it is watched."""
        action = REGISTRY[self.action]
        first = action.execute(self.request(), self.place.services(seconds=0))
        if first.status != "in_progress":
            return first
        self.give(self.asked())
        return action.execute(self.request(), self.place.services(seconds=0))

    def refusal(self) -> None:
        storage: Any = client.StorageV1Api(self.place.admin)
        storage.patch_storage_class(self.place.namespace, {"allowVolumeExpansion": False})

    def clear(self) -> None:
        super().clear()
        storage: Any = client.StorageV1Api(self.place.admin)
        storage.delete_collection_storage_class(
            field_selector=f"metadata.name={self.place.namespace}"
        )

    def asked(self) -> str:
        found = self.place.core.read_namespaced_persistent_volume_claim(
            "target", self.place.namespace
        )
        return str(found.spec.resources.requests["storage"])

    def effects(self) -> int:
        return int(self.asked().removesuffix("Gi"))

    def conflict(self) -> None:
        """Somebody else has it expanded."""

        def change() -> None:
            self.patch({"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
            self.give("2Gi")

        self.proxy.before = change
        self.before = 2

    def is_done(self) -> bool:
        return self.effects() == self.before + 2


SCENES: dict[str, Callable[[str, Place, FaultyProxy], FaultCase]] = {
    "restart_workload": OnStatefulSet,
    "scale_workload": OnStatefulSet,
    "rollback_workload": OnStatefulSet,
    "evict_pod": OnPod,
    "raise_autoscaler_maximum": OnAutoscaler,
    "cordon_node": OnNode,
    "uncordon_node": OnNode,
    "rerun_job": OnJob,
    "expand_volume": OnClaim,
}
# What acts on the Deployment checkout, or drains a node: the cases of test_faults itself.
ON_CHECKOUT = frozenset(
    {
        "enable_degraded_mode",
        "disable_degraded_mode",
        "restart_deployment",
        "scale_deployment",
        "rollback_deployment",
        "drain_node",
    }
)
# What lies on an object that leaves: there nobody changes it in between.
WITHOUT_CONFLICT = frozenset({"evict_pod"})
