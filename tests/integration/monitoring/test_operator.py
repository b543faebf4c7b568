"""What is shipped for the Prometheus operator fits its CRDs, judged by a real API server."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.binaries import BinaryUnavailable, find
from tests.integration.kubernetes_fixtures import KubernetesApi
from tests.integration.monitoring.operator_crds import operator_crds

# The first run compiles the generator.
pytestmark = [pytest.mark.kubernetes, pytest.mark.monitoring, pytest.mark.timeout(1200)]

MONITORING = Path(__file__).parents[3] / "eks" / "monitoring"
VALUES = yaml.safe_load((MONITORING / "kube-prometheus-stack.values.yaml").read_text("utf-8"))
# What the chart makes other fields of, or takes as its own.
CHART_ONLY = {"podAntiAffinity", "podAntiAffinityTopologyKey", "useExistingSecret"}
CHART_NAMES = {"storageSpec": "storage"}

Manifest = dict[str, Any]


def kubectl(api: KubernetesApi, *arguments: str, text: str | None = None) -> tuple[bool, str]:
    """Run kubectl as admin; whether it succeeded, and what it said."""
    command = [str(find("kubernetes") / "kubectl"), f"--kubeconfig={api.kubeconfig}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, input=text)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def api(control_plane: KubernetesApi) -> KubernetesApi:
    """An API server that knows the operator's objects."""
    try:
        crds = operator_crds()
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)
    for arguments in (
        ("apply", "--server-side", "-f", str(crds)),
        ("wait", "--for=condition=Established", "--timeout=60s", "-f", str(crds)),
    ):
        succeeded, said = kubectl(control_plane, *arguments)
        assert succeeded, said
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring}\n"
    succeeded, said = kubectl(control_plane, "apply", "-f", "-", text=namespace)
    assert succeeded, said
    return control_plane


def judged(api: KubernetesApi, manifest: Manifest) -> tuple[bool, str]:
    """Whether the API server would take an object, strictly: an unknown field is an error."""
    return kubectl(
        api,
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
        text=yaml.safe_dump(manifest),
    )


def of_chart(kind: str, section: str, spec: str) -> Manifest:
    """The object that the chart makes of its values, as far as they are handed through."""
    given = VALUES[section][spec]
    fields = {
        CHART_NAMES.get(key, key): copy.deepcopy(value)
        for key, value in given.items()
        if key not in CHART_ONLY
    }
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": kind,
        "metadata": {"name": "judged", "namespace": "monitoring"},
        "spec": fields,
    }


PROMETHEUS = of_chart("Prometheus", "prometheus", "prometheusSpec")
ALERTMANAGER = of_chart("Alertmanager", "alertmanager", "alertmanagerSpec")
CONFIG = yaml.safe_load((MONITORING / "alertmanager-config.yaml").read_text("utf-8"))


def test_the_operator_takes_every_shipped_object(api: KubernetesApi, tmp_path: Path) -> None:
    folder = tmp_path / "monitoring"
    shutil.copytree(MONITORING, folder)
    (folder / "site.env").write_text("RUNBOOKS=wiki.test.internal\nGRAFANA=grafana.test.internal\n")
    succeeded, said = kubectl(
        api, "apply", "--dry-run=server", "--validate=strict", "-k", str(folder)
    )
    assert succeeded, said
    assert "Warning" not in said, said
    assert said.count("prometheusrule.") == len(list((MONITORING / "rules").iterdir()))
    assert "servicemonitor." in said


@pytest.mark.parametrize(
    "manifest", [PROMETHEUS, ALERTMANAGER, CONFIG], ids=lambda manifest: str(manifest["kind"])
)
def test_the_values_are_fields_of_the_operator(api: KubernetesApi, manifest: Manifest) -> None:
    succeeded, said = judged(api, manifest)
    assert succeeded, said
    assert "Warning" not in said, said


WRONG: dict[str, tuple[Manifest, Callable[[Any], object]]] = {
    'unknown field "spec.retentionsize"': (PROMETHEUS, lambda s: s.update(retentionsize="45GB")),
    "spec.retention: Invalid value": (PROMETHEUS, lambda s: s.update(retention="fifteen days")),
    'unknown field "spec.remoteWrite[0].sigv4.zone"': (
        PROMETHEUS,
        lambda s: s["remoteWrite"][0]["sigv4"].update(zone="us-east-1a"),
    ),
    "spec.replicas: Invalid value": (PROMETHEUS, lambda s: s.update(replicas="two")),
    'unknown field "spec.secrets[0].name"': (
        ALERTMANAGER,
        lambda s: s.update(secrets=[{"name": "webhook"}]),
    ),
    "spec.inhibitRules[0].sourceMatch[0].matchType: Unsupported value": (
        CONFIG,
        lambda s: s["inhibitRules"][0]["sourceMatch"][0].update(matchType="=="),
    ),
    # Why alertmanager.yaml is what is installed.
    'unknown field "spec.receivers[1].webhookConfigs[0].httpConfig.httpHeaders"': (
        CONFIG,
        lambda s: s["receivers"][1]["webhookConfigs"][0]["httpConfig"].update(
            httpHeaders={"X-Api-Key": {}}
        ),
    ),
}


@pytest.mark.parametrize("complaint", WRONG)
def test_what_the_operator_does_not_know_is_refused(api: KubernetesApi, complaint: str) -> None:
    manifest, change = WRONG[complaint]
    wrong = copy.deepcopy(manifest)
    change(wrong["spec"])

    succeeded, said = judged(api, wrong)

    assert not succeeded, said
    assert complaint in said
