"""kube-state-metrics under its own identity: all it is started for, and nothing is refused."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from onemachine.binaries import BinaryUnavailable, find
from onemachine.monitoring import KubeStateMetrics
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from onemachine.processes.waiting import wait_until
from tests.integration.kubernetes_fixtures import StartedControlPlane

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def running(
    own_control_plane: StartedControlPlane, tmp_path: Path
) -> Iterator[tuple[KubeStateMetrics, Path]]:
    try:
        folder = find("kube-state-metrics")
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)
    kubeconfig = own_control_plane.plane.kube_state_metrics_kubeconfig
    found = KubeStateMetrics(folder, free_port(), free_port(), kubeconfig)
    log = tmp_path / "kube-state-metrics.log"
    process = ManagedProcess(found.name, found.command(), {}, log).start()
    try:
        found.wait_ready(process)
        yield found, log
    finally:
        process.stop()


def test_it_tells_what_the_api_server_knows_and_is_refused_nothing(
    running: tuple[KubeStateMetrics, Path], own_control_plane: StartedControlPlane, unique: str
) -> None:
    metrics, log = running
    admin = own_control_plane.plane.api_as("admin")
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": unique},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "told"}},
            "template": {
                "metadata": {"labels": {"app": "told"}},
                "spec": {"containers": [{"name": "main", "image": "none"}]},
            },
        },
    }
    made = admin.call("POST", "/apis/apps/v1/namespaces/default/deployments", body)
    assert made.status == 201, made.body
    wanted = f'kube_deployment_spec_replicas{{namespace="default",deployment="{unique}"}} 0'

    def told() -> bool:
        with urllib.request.urlopen(f"http://{metrics.address}/metrics", timeout=5) as answer:
            return wanted in answer.read().decode()

    wait_until(told, "the Deployment to be told of", 30)
    said = log.read_text("utf-8")
    assert "forbidden" not in said, said
