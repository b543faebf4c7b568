"""What the API server answers, and the error that the state machine gets to see for it."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest

from onemachine.kubernetes.pki import CertificateAuthority
from onemachine.processes.ports import free_port
from runbook_action.adapters.cluster import KubernetesCluster
from runbook_action.errors import (
    AccessDenied,
    ClusterConflict,
    ClusterRejected,
    ClusterUnreachable,
    TargetNotFound,
)
from runbook_action.objects import Workload
from tests.integration.runbook_action.support import Place, TokenAccess

pytestmark = pytest.mark.kubernetes


def test_a_deployment_is_read_and_patched(place: Place) -> None:
    current = place.cluster.workload("deployment", place.namespace, "checkout")
    assert (current.name, current.namespace, current.replicas) == ("checkout", place.namespace, 3)
    patched = place.cluster.patch(current, {"metadata": {"annotations": {"sre-platform/a": "b"}}})
    assert place.deployment().metadata.annotations["sre-platform/a"] == "b"
    assert patched.resource_version != current.resource_version


def test_pods_are_found_by_the_deployments_selector(place: Place) -> None:
    place.create_deployment("other", replicas=1)
    place.wait_until_ready("other")
    current = place.cluster.workload("deployment", place.namespace, "checkout")
    found = place.cluster.pods(place.namespace, current.selector)
    assert len(found) == 3
    assert all(pod.name.startswith("checkout-") for pod in found)


def test_every_kind_of_selector_expression_is_understood(place: Place) -> None:
    selector = Workload(
        {
            "spec": {
                "selector": {
                    "matchLabels": {"app": "checkout"},
                    "matchExpressions": [
                        {"key": "app", "operator": "In", "values": ["checkout", "x"]},
                        {"key": "app", "operator": "NotIn", "values": ["y"]},
                        {"key": "pod-template-hash", "operator": "Exists"},
                        {"key": "canary", "operator": "DoesNotExist"},
                    ],
                }
            }
        }
    ).selector
    assert len(place.cluster.pods(place.namespace, selector)) == 3


def test_lists_longer_than_a_page_are_complete(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runbook_action.adapters.cluster._PAGE", 1)
    assert len(place.cluster.pods(place.namespace, "app=checkout")) == 3


def test_409_is_a_conflict(place: Place) -> None:
    stale = place.cluster.read("deployment", place.namespace, "checkout")
    patch = {"metadata": {"annotations": {"sre-platform/a": "b"}}}
    place.cluster.patch(stale, patch)
    with pytest.raises(ClusterConflict, match="409"):
        place.cluster.patch(
            stale, {"metadata": {"annotations": {"sre-platform/a": "someone else's"}}}
        )
    assert place.deployment().metadata.annotations["sre-platform/a"] == "b"


def test_403_is_access_denied_and_says_what_is_missing(place: Place) -> None:
    with pytest.raises(AccessDenied, match=r'403.*cannot get resource "deployments"'):
        place.cluster.read("deployment", "default", "checkout")


def test_403_of_what_is_in_no_namespace_names_the_role_that_is_installed_apart(
    place: Place,
) -> None:
    with pytest.raises(AccessDenied, match="apply -k eks/apps/node-remediation"):
        place.cluster.read("node", "", "worker-1")


def test_404_is_target_not_found(place: Place) -> None:
    with pytest.raises(TargetNotFound, match=r'404.*"basket" not found'):
        place.cluster.read("deployment", place.namespace, "basket")


def test_422_is_rejected(place: Place) -> None:
    current = place.cluster.workload("deployment", place.namespace, "checkout")
    with pytest.raises(ClusterRejected, match=r"422.*replicas"):
        place.cluster.patch(current, {"spec": {"replicas": -1}})


def test_400_is_rejected(place: Place) -> None:
    with pytest.raises(ClusterRejected, match="400"):
        place.cluster.pods(place.namespace, "((")


def test_401_is_access_denied_after_one_try_with_new_credentials(place: Place) -> None:
    good = place.access.bearer
    place.access.bearer = "wrong"
    with pytest.raises(AccessDenied, match=r"401.*access entry"):
        place.cluster.read("deployment", place.namespace, "checkout")
    place.access.renewed.append(good)
    assert place.cluster.read("deployment", place.namespace, "checkout").name == "checkout"


def test_a_refused_connection_is_unreachable_and_forgets_the_endpoint(place: Place) -> None:
    access = TokenAccess(f"https://127.0.0.1:{free_port()}", place.access.ca_pem, "t")
    with pytest.raises(ClusterUnreachable, match=r"no answer .*subnets"):
        KubernetesCluster(access, "test").read("deployment", "apps", "checkout")
    assert access.forgotten == 1


def test_a_server_that_never_answers_is_unreachable(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runbook_action.adapters.cluster.TIMEOUT_SECONDS", (0.3, 0.3))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        access = TokenAccess(url, place.access.ca_pem, "t")
        with pytest.raises(ClusterUnreachable):
            KubernetesCluster(access, "test").read("deployment", "apps", "checkout")


def test_a_server_that_another_ca_vouches_for_is_not_spoken_to(
    place: Place, tmp_path: Path
) -> None:
    other_ca = CertificateAuthority(tmp_path, "other").pem
    other = TokenAccess(place.access.url, other_ca, place.access.bearer)
    with pytest.raises(ClusterUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        KubernetesCluster(other, "test").read("deployment", place.namespace, "checkout")


def test_no_error_carries_the_token(place: Place) -> None:
    place.access.bearer = secret = base64.b64encode(b"secret-token").decode()
    with pytest.raises(AccessDenied) as caught:
        place.cluster.read("deployment", place.namespace, "checkout")
    assert secret not in str(caught.value)
