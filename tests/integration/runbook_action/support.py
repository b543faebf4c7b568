"""A real API server as the actions see it, and something that makes pods come up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kubernetes import client, config, utils

from onemachine.aws.local_aws import LocalAws
from runbook_action.adapters.cluster import KubernetesCluster
from runbook_action.adapters.eks import Endpoint
from runbook_action.ports import Services
from runbook_action.request import Operation, Request, Target
from tests.support.background import Background
from tests.support.shipped import manifest
from tests.unit.runbook_action.calls import Calls
from tests.unit.runbook_action.fake_catalogue import FakeCatalogue, FakeLocks, FakeNotes
from tests.unit.runbook_action.fake_catalogue import shipped as published
from tests.unit.runbook_action.fakes import FakeLeases

INCIDENT = "7b0f0f5e-8a52-5b1e-9f0a-3d1f7a6c2e11"
PARAMETER = "/checkout/degraded_mode"
# Pods of these tests are run by nobody: no scheduler takes them, PodStatuses speaks for them.
NO_SCHEDULER = "nobody"
APPS = Path(__file__).parents[3] / "eks" / "apps"
REMEDIATION_GROUP = "sre:checkout-remediation"
SHIPPED_RBAC = (
    "base/remediation-rbac.yaml",
    "base/remediation-topology.yaml",
    "base/evidence-rbac.yaml",
    "evidence-logs/evidence-logs-rbac.yaml",
    "node-remediation/node-remediation-rbac.yaml",
)


def admin_api(kubeconfig: Path) -> Any:
    """A client with an admin's rights. Untyped: its models know no plain manifests."""
    load: Any = config.new_client_from_config
    return load(str(kubeconfig))


def install_shipped_rbac(admin: Any, namespace: str = "apps") -> None:
    """Give the remediation's group what the manifests give it, in a namespace made for it."""
    tolerant(client.CoreV1Api(admin).create_namespace, {"metadata": {"name": namespace}})
    create: Any = utils.create_from_dict
    for file in SHIPPED_RBAC:
        for document in manifest(file):
            if not document["apiVersion"].startswith("rbac."):
                continue
            if document["metadata"].get("namespace") == "apps":
                document["metadata"]["namespace"] = namespace
            tolerant(create, admin, document)


def tolerant(create: Callable[..., Any], *arguments: Any) -> None:
    """Create something that another test may have left."""
    try:
        create(*arguments)
    except utils.FailToCreateError as error:
        if any(each.status != 409 for each in error.api_exceptions):
            raise
    except client.ApiException as error:
        if error.status != 409:
            raise


def trusting_role(aws: LocalAws, name: str) -> str:
    """Make a role that anybody of the account may assume; returns its ARN."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{aws.account_id}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    return str(role["Role"]["Arn"])


@dataclass
class TokenAccess:
    """Reaches the API with one bearer token, as an EKS token would be used."""

    url: str
    ca_pem: str
    bearer: str
    forgotten: int = 0
    renewed: list[str] = field(default_factory=list)

    def endpoint(self, name: str) -> Endpoint:
        return Endpoint(name, self.url, self.ca_pem)

    def token(self, name: str) -> str:
        return self.bearer

    def forget(self, name: str) -> None:
        self.forgotten += 1

    def forget_credentials(self, name: str, refused: str) -> None:
        if self.renewed:
            self.bearer = self.renewed.pop()


class MemoryParameters:
    """A parameter store without AWS: these tests are about the cluster."""

    def __init__(self) -> None:
        self.values = {PARAMETER: "false"}
        self.writes = 0
        self.at: datetime | None = None

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        self.values[name] = value
        self.writes += 1

    def version(self, name: str) -> int:
        return self.writes

    def written_at(self, name: str) -> datetime | None:
        return self.at


class WallClock:
    """Real time with a budget."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def now(self) -> datetime:
        return datetime.now(UTC)

    def remaining(self) -> float:
        return self._end - time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class PodStatuses:
    """Makes pods of one namespace come up and go, as a kubelet would."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._core: Any = client.CoreV1Api(admin_api(kubeconfig))
        self._namespace = namespace
        self._kubelet = Background(self._run)
        self.status: Callable[[Any], dict[str, Any] | None] = running
        self.also: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._kubelet.start()

    def stop(self) -> None:
        self._kubelet.stop()

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(0.1):
            self.also()
            for pod in self._core.list_namespaced_pod(self._namespace).items:
                try:
                    if pod.metadata.deletion_timestamp:
                        self._core.delete_namespaced_pod(
                            pod.metadata.name, self._namespace, grace_period_seconds=0
                        )
                        continue
                    status = self.status(pod)
                    if status is None:
                        continue
                    self._core.patch_namespaced_pod_status(
                        pod.metadata.name, self._namespace, {"status": status}
                    )
                except client.ApiException as error:
                    if error.status not in (404, 409):
                        raise


def running(pod: Any) -> dict[str, Any] | None:
    """Running and ready at once."""
    if pod.status.phase != "Pending":
        return None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "phase": "Running",
        "startTime": now,
        "podIP": "10.9.0.1",
        "podIPs": [{"ip": "10.9.0.1"}],
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": now}
            for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ],
        "containerStatuses": [
            {
                "name": container.name,
                "image": container.image,
                "imageID": "none",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": now}},
            }
            for container in pod.spec.containers
        ],
    }


def crashing(pod: Any) -> dict[str, Any] | None:
    """In a crash loop from the start."""
    status = running(pod)
    if status is None:
        return None
    status["conditions"] = [
        {**each, "status": "False"} if each["type"].endswith("Ready") else each
        for each in status["conditions"]
    ]
    for container in status["containerStatuses"]:
        container.update(
            ready=False,
            started=False,
            restartCount=4,
            state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
        )
    return status


def unanswering(pod: Any, seconds: int = 90) -> dict[str, Any] | None:
    """Running, and for so long not ready: its readiness probe fails."""
    status = running(pod)
    if status is None:
        return None
    since = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for each in status["conditions"]:
        if each["type"].endswith("Ready"):
            each.update(status="False", lastTransitionTime=since)
    for container in status["containerStatuses"]:
        container["ready"] = False
    return status


def never_ready(pod: Any) -> None:
    """Nothing takes the pod up."""


@dataclass
class Place:
    """One namespace of the API server with a Deployment, and who acts in it."""

    admin: Any
    namespace: str
    access: TokenAccess
    cluster: KubernetesCluster
    statuses: PodStatuses
    parameters: MemoryParameters = field(default_factory=MemoryParameters)
    leases: FakeLeases = field(default_factory=lambda: FakeLeases(Calls()))

    @property
    def apps(self) -> Any:
        return client.AppsV1Api(self.admin)

    @property
    def core(self) -> Any:
        return client.CoreV1Api(self.admin)

    def services(self, seconds: float = 30.0) -> Services:
        clock = WallClock(seconds)
        return Services(
            self.cluster,
            self.parameters,
            clock,
            PARAMETER,
            self.leases,
            "sre-platform",
            FakeCatalogue(in_namespace(self.namespace)),
            FakeLocks(),
            FakeNotes(),
        )

    def request(self, action: str, operation: Operation = "execute", **more: Any) -> Request:
        target = Target(None, self.namespace, "deployment", more.pop("name", "checkout"))
        values = {"parameters": {}, "incident_id": INCIDENT, **more}
        return Request(operation=operation, action=action, target=target, **values)

    def deployment(self, name: str = "checkout") -> Any:
        return self.apps.read_namespaced_deployment(name, self.namespace)

    def pod_uids(self) -> set[str]:
        return {
            pod.metadata.uid
            for pod in self.core.list_namespaced_pod(self.namespace).items
            if not pod.metadata.deletion_timestamp
        }

    def create_deployment(
        self, name: str = "checkout", replicas: int = 3, grace_seconds: int = 0
    ) -> None:
        labels = {"app": name}
        self.apps.create_namespaced_deployment(
            self.namespace,
            {
                "metadata": {"name": name},
                "spec": {
                    "replicas": replicas,
                    "progressDeadlineSeconds": 60,
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {
                            "schedulerName": NO_SCHEDULER,
                            "terminationGracePeriodSeconds": grace_seconds,
                            # As strict as the shipped one: its namespace takes nothing less.
                            "securityContext": {
                                "runAsNonRoot": True,
                                "seccompProfile": {"type": "RuntimeDefault"},
                            },
                            "containers": [
                                {
                                    "name": name,
                                    "image": "none/none:1",
                                    "securityContext": {
                                        "allowPrivilegeEscalation": False,
                                        "capabilities": {"drop": ["ALL"]},
                                    },
                                }
                            ],
                        },
                    },
                },
            },
        )

    def wait_until_ready(self, name: str = "checkout", seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.deployment(name)
            ready = found.status.ready_replicas == found.spec.replicas
            if ready and found.status.observed_generation == found.metadata.generation:
                return
            time.sleep(0.1)
        raise AssertionError(f"{name} never became ready: {self.deployment(name).status}")


def in_namespace(namespace: str) -> list[dict[str, Any]]:
    """The shipped runbooks, as if they were about another namespace."""
    text = json.dumps(published()).replace('"namespace": "apps"', f'"namespace": "{namespace}"')
    text = text.replace('"namespaces": ["apps"]', f'"namespaces": ["{namespace}"]')
    found: list[dict[str, Any]] = json.loads(text)
    return found


def shipped(file: str, kind: str) -> dict[str, Any]:
    """One object of a shipped manifest."""
    return next(each for each in manifest(file) if each["kind"] == kind)
