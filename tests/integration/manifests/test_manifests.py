"""The shipped manifests, judged by a real API server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.binaries import find
from onemachine.stack.checkout import LOCAL_IMAGE
from onemachine.stack.manifests import with_namespaces
from tests.integration.kubernetes_fixtures import KubernetesApi

pytestmark = pytest.mark.kubernetes

REPOSITORY = Path(__file__).parents[3]
OVERLAYS = sorted((REPOSITORY / "eks" / "apps" / "overlays").iterdir())


def _kubectl(*arguments: str, kubeconfig: Path | None = None, text: str | None = None) -> str:
    command = [str(find("kubernetes") / "kubectl")]
    if kubeconfig is not None:
        command.append(f"--kubeconfig={kubeconfig}")
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, input=text)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def _build(folder: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(_kubectl("kustomize", str(folder))) if each]


def _one(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name)
    return found


@pytest.fixture
def apps_namespace(control_plane: KubernetesApi) -> KubernetesApi:
    """The namespace as shipped: what goes into it is judged by its pod security labels.

    And those of a catalogue of this checkout's own. They stay: they may belong to other tests of
    the session, and hold nothing of ours.
    """
    objects = yaml.safe_load_all(with_namespaces(_kubectl("kustomize", str(OVERLAYS[0]))))
    namespaces = [each for each in objects if each and each["kind"] == "Namespace"]
    text = yaml.safe_dump_all(namespaces)
    _kubectl("apply", "-f", "-", kubeconfig=control_plane.kubeconfig, text=text)
    return control_plane


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_the_api_server_takes_every_object(overlay: Path, apps_namespace: KubernetesApi) -> None:
    said = _kubectl(
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "-k",
        str(overlay),
        kubeconfig=apps_namespace.kubeconfig,
    )
    assert "Warning" not in said, said
    for each in _build(overlay):
        assert f"/{each['metadata']['name']} " in said


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_pod_security_admits_the_pods(overlay: Path, apps_namespace: KubernetesApi) -> None:
    """A Deployment is only warned about; it is its pods that would be refused."""
    objects = _build(overlay)
    api = apps_namespace.kubeconfig
    account = _one(objects, "ServiceAccount", "checkout")
    _kubectl("apply", "-f", "-", kubeconfig=api, text=yaml.safe_dump(account))
    template = _one(objects, "Deployment", "checkout")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": "judged", "namespace": "apps"}
    _kubectl("create", "--dry-run=server", "-f", "-", kubeconfig=api, text=yaml.safe_dump(pod))


def test_production_keeps_the_numbers_that_were_asked_for() -> None:
    objects = _build(REPOSITORY / "eks" / "apps" / "overlays" / "production")
    deployment = _one(objects, "Deployment", "checkout")["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    assert "replicas" not in deployment, "the autoscaler decides, also when applied again"
    autoscaler = _one(objects, "HorizontalPodAutoscaler", "checkout")["spec"]
    assert autoscaler["minReplicas"] == 3
    assert container["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"cpu": "500m", "memory": "512Mi"},
    }
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["livenessProbe"]["timeoutSeconds"] == 5
    assert container["readinessProbe"]["failureThreshold"] == 3
    settings = next(o for o in objects if o["kind"] == "ConfigMap")["data"]
    assert "CHAOS_PARAMETER" not in settings, "no faults from outside in production"


def test_there_is_time_to_drain_before_the_kill() -> None:
    for overlay in OVERLAYS:
        objects = _build(overlay)
        pod = _one(objects, "Deployment", "checkout")["spec"]["template"]["spec"]
        settings = next(o for o in objects if o["kind"] == "ConfigMap")["data"]
        hook = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        graceful_timeout = 15
        needed = hook + float(settings["DRAIN_SECONDS"]) + graceful_timeout
        assert needed < pod["terminationGracePeriodSeconds"]


def test_the_local_overlay_runs_the_image_that_the_node_agent_knows() -> None:
    deployment = _one(
        _build(REPOSITORY / "eks" / "apps" / "overlays" / "local"), "Deployment", "checkout"
    )
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == LOCAL_IMAGE


def test_the_agents_of_datadog_are_let_in_where_they_are_chosen(
    apps_namespace: KubernetesApi,
) -> None:
    file = REPOSITORY / "eks" / "datadog" / "network-policy.yaml"
    policy = yaml.safe_load(file.read_text("utf-8"))
    base = _one(_build(OVERLAYS[0]), "NetworkPolicy", "checkout")

    said = _kubectl(
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        str(file),
        kubeconfig=apps_namespace.kubeconfig,
    )

    assert "Warning" not in said, said
    assert policy["metadata"]["namespace"] == base["metadata"]["namespace"]
    assert policy["spec"]["podSelector"] == base["spec"]["podSelector"]
    assert policy["spec"]["policyTypes"] == ["Ingress"]


def test_monitoring_builds(tmp_path: Path) -> None:
    folder = tmp_path / "monitoring"
    shutil.copytree(REPOSITORY / "eks" / "monitoring", folder)
    (folder / "site.env").write_text("RUNBOOKS=wiki.test.internal\nGRAFANA=grafana.test.internal\n")
    kinds = {each["kind"] for each in _build(folder)}
    assert kinds == {"ConfigMap", "PrometheusRule", "ServiceMonitor", "StorageClass"}
