"""A real Kubernetes API for tests: started once a session, or the user's own.

Imported by ``tests/integration/conftest.py``. ``SRECTL_TEST_KUBECONFIG`` names the kubeconfig of a
cluster to use instead; its user must be an admin, and the tests write to that cluster.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.aws.local_aws import LocalAws
from onemachine.binaries import BinaryUnavailable, find
from onemachine.kubernetes import ControlPlane, ControlPlanePorts, ProcessSpec
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port

CLUSTER_NAME = "sre-platform"
USER_KUBECONFIG_VARIABLE = "SRECTL_TEST_KUBECONFIG"


@dataclass(frozen=True)
class KubernetesApi:
    """How to reach the API server as its admin, and whether it is one that the user gave."""

    kubeconfig: Path
    endpoint: str
    ca_pem: str
    given: bool = False


@dataclass
class Launcher:
    """Starts processes and stops all of them again, the last one first."""

    logs: Path
    processes: dict[str, ManagedProcess] = field(default_factory=dict)

    def __call__(self, spec: ProcessSpec) -> ManagedProcess:
        process = ManagedProcess(spec.name, spec.argv, spec.env, self.logs / f"{spec.name}.log")
        self.processes[spec.name] = process
        return process.start()

    def stop(self) -> None:
        # One after the other: an API server that loses its database first hangs for ten seconds.
        for process in reversed(self.processes.values()):
            process.stop(grace_seconds=5)


@dataclass(frozen=True)
class StartedControlPlane:
    """The control plane that this session started, and its processes."""

    plane: ControlPlane
    launcher: Launcher
    #: Where a test may listen to stand for the addresses of Services, see ``service_gateway``.
    gateway_port: int


@pytest.fixture(scope="session")
def own_control_plane(
    tmp_path_factory: pytest.TempPathFactory, local_aws: LocalAws
) -> Iterator[StartedControlPlane]:
    """A control plane of our own, whatever the user says.

    The session's local AWS knows it as the EKS cluster ``sre-platform`` and reviews its tokens.
    """
    state = tmp_path_factory.mktemp("control-plane")
    started = start_control_plane(state, local_aws.webhook_token_url(CLUSTER_NAME))
    try:
        local_aws.register_cluster(
            CLUSTER_NAME,
            endpoint=started.plane.endpoint,
            certificate_authority_pem=started.plane.ca_pem.encode("ascii"),
            version="1.36",
        )
        yield started
    finally:
        started.launcher.stop()


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> KubernetesApi:
    """The Kubernetes API to test against, as its admin."""
    given = os.environ.get(USER_KUBECONFIG_VARIABLE)
    if given:
        return _from_kubeconfig(Path(given).expanduser())
    started: StartedControlPlane = request.getfixturevalue("own_control_plane")
    plane = started.plane
    return KubernetesApi(plane.admin_kubeconfig, plane.endpoint, plane.ca_pem)


def start_control_plane(
    state: Path,
    token_webhook_url: str | None = None,
    ports: ControlPlanePorts | None = None,
) -> StartedControlPlane:
    """Start a control plane in a folder; stop it with ``.launcher.stop()``."""
    try:
        kubernetes, etcd = find("kubernetes"), find("etcd")
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)
    gateway_port = free_port()
    plane = ControlPlane(
        service_gateway=f"http://127.0.0.1:{gateway_port}",
        kubernetes_bin=kubernetes,
        etcd_bin=etcd,
        state_dir=state,
        ports=ports or ControlPlanePorts.choose(),
        cluster_name=CLUSTER_NAME,
        token_webhook_url=token_webhook_url,
    )
    logs = state / "logs"
    logs.mkdir(exist_ok=True)
    launcher = Launcher(logs)
    try:
        plane.start(launcher)
    except BaseException:
        launcher.stop()
        raise
    return StartedControlPlane(plane, launcher, gateway_port)


def _from_kubeconfig(path: Path) -> KubernetesApi:
    document = yaml.safe_load(path.read_text("utf-8"))
    context = _named(document["contexts"], document["current-context"])["context"]
    cluster = _named(document["clusters"], context["cluster"])["cluster"]
    if "certificate-authority-data" in cluster:
        ca_pem = base64.b64decode(cluster["certificate-authority-data"]).decode("ascii")
    else:
        ca_pem = (path.parent / cluster["certificate-authority"]).read_text("ascii")
    return KubernetesApi(path, cluster["server"], ca_pem, given=True)


def _named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if item["name"] == name)
