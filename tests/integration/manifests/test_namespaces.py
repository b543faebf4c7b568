"""The stack of one machine takes the Roles of a catalogue about a namespace that nobody made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from onemachine.binaries import find
from onemachine.stack.children import Children
from onemachine.stack.manifests import apply
from onemachine.stack.state import StackFolder
from srectl.operate.rbac import manifests
from tests.integration.kubernetes_fixtures import KubernetesApi

pytestmark = pytest.mark.kubernetes


def kubectl(api: KubernetesApi, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(find("kubernetes") / "kubectl"), f"--kubeconfig={api.kubeconfig}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_namespace_of_a_role_is_made_before_it_and_one_that_is_allowed_too(
    control_plane: KubernetesApi, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = yaml.safe_load_all(manifests([], ["shop-of-a-team"], "evidence"))
    roles = [each for each in made if each["metadata"].get("namespace") == "shop-of-a-team"]
    (tmp_path / "role.yaml").write_text(yaml.safe_dump_all(roles))
    (tmp_path / "kustomization.yaml").write_text("resources: [role.yaml]\n")
    names = ("shop-of-a-team", "allowed-only")
    request.addfinalizer(
        lambda: kubectl(control_plane, "delete", "namespace", *names, "--wait=false")
    )
    # As it was: a Role in a namespace that is not there is refused.
    refused = kubectl(control_plane, "apply", "--server-side", "-k", str(tmp_path))
    assert 'namespaces "shop-of-a-team" not found' in refused.stderr

    children = Children(StackFolder(tmp_path / "stack"))
    for _ in ("begun", "again"):
        apply(children, tmp_path, control_plane.kubeconfig, ["allowed-only"])

    assert kubectl(control_plane, "get", "namespace", *names).returncode == 0
    found = kubectl(control_plane, "-n", names[0], "get", "role", "checkout-evidence")
    assert found.returncode == 0, found.stderr
