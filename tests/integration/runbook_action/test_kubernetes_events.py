"""What ``kubectl describe`` tells of a remediation, on a real API server."""

from __future__ import annotations

import subprocess

import pytest

from onemachine.binaries import find
from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused
from runbook_action.kubernetes_events import tell_of
from tests.integration.kubernetes_fixtures import KubernetesApi
from tests.integration.runbook_action.drain_scene import drain_request
from tests.integration.runbook_action.support import INCIDENT, Place

pytestmark = pytest.mark.kubernetes


def events_of(api: KubernetesApi, *described: str) -> str:
    kubectl = str(find("kubernetes") / "kubectl")
    command = [kubectl, f"--kubeconfig={api.kubeconfig}", "describe", *described]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.partition("\nEvents:")[2]


def test_describe_of_a_deployment_tells_of_its_remediation_once(
    place: Place, control_plane: KubernetesApi
) -> None:
    action = REGISTRY["restart_deployment"]
    asked = place.request(action.name)
    outcome = action.execute(asked, place.services())
    for _ in range(2):
        tell_of(asked, outcome, place.services())
    tell_of(asked, ActionRefused("no text of ours"), place.services())
    said = events_of(control_plane, "-n", place.namespace, "deployment", "checkout")
    told = f"execute of restart_deployment for incident {INCIDENT}, step 1, "
    assert said.count(f"{told}succeeded.") == 1
    assert said.count(f"{told}failed: ActionRefused.") == 1
    lines = [line.split() for line in said.splitlines() if told in line]
    assert {(line[0], line[1]) for line in lines} == {
        ("Normal", "Remediation"),
        ("Warning", "RemediationFailed"),
    }
    assert "no text of ours" not in said


def test_describe_of_a_node_tells_of_its_drain(
    place: Place, node: str, control_plane: KubernetesApi
) -> None:
    action = REGISTRY["drain_node"]
    asked = drain_request(place, node)
    tell_of(asked, action.execute(asked, place.services()), place.services())
    undo = drain_request(place, node, "undo")
    tell_of(undo, action.undo(undo, place.services()), place.services())
    said = events_of(control_plane, "node", node)
    assert f"execute of drain_node for incident {INCIDENT}, step 1, succeeded." in said
    assert f"undo of drain_node for incident {INCIDENT}, step 1, succeeded." in said
