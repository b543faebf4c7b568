"""What a control plane writes and how it is started, without starting it."""

from __future__ import annotations

import base64
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from onemachine.kubernetes import ControlPlane, ControlPlanePorts

WEBHOOK = "http://127.0.0.1:4566/_ministack/eks-auth/000000000000/us-east-1/sre-platform/hidden"


@pytest.fixture
def plane(tmp_path: Path) -> ControlPlane:
    return ControlPlane(
        kubernetes_bin=Path("/opt/kubernetes"),
        etcd_bin=Path("/opt/etcd"),
        state_dir=tmp_path / "state",
        ports=ControlPlanePorts(api_server=6443, etcd_client=2379, etcd_peer=2380),
    )


def loaded(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.parametrize(
    ("kubeconfig", "user"),
    [
        ("admin_kubeconfig", "srectl:admin"),
        ("node_agent_kubeconfig", "srectl:node-agent"),
        ("prometheus_kubeconfig", "srectl:prometheus"),
        ("kube_state_metrics_kubeconfig", "srectl:kube-state-metrics"),
    ],
)
def test_a_kubeconfig_carries_all_it_needs(plane: ControlPlane, kubeconfig: str, user: str) -> None:
    plane.prepare()
    path: Path = getattr(plane, kubeconfig)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = loaded(path)
    cluster = document["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]).decode() == plane.ca_pem
    encoded = document["users"][0]["user"]["client-certificate-data"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(encoded))
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [name.value for name in names] == [user]
    assert document["current-context"] == "sre-platform"


def test_only_the_admin_is_a_master(plane: ControlPlane) -> None:
    plane.prepare()
    masters = []
    for path in (plane.state_dir / "pki").glob("*.crt"):
        subject = x509.load_pem_x509_certificate(path.read_bytes()).subject
        groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        if any(group.value == "system:masters" for group in groups):
            masters.append(path.stem)
    assert masters == ["admin"]


def test_new_ports_reach_the_kubeconfigs_and_the_authority_stays(plane: ControlPlane) -> None:
    plane.prepare()
    authority = plane.ca_pem
    moved = replace(plane, ports=ControlPlanePorts(7443, 2379, 2380))
    moved.prepare()
    assert moved.ca_pem == authority
    document = loaded(moved.admin_kubeconfig)
    assert document["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:7443"


def test_without_a_webhook_the_api_server_is_told_of_none(plane: ControlPlane) -> None:
    arguments = plane.processes()[1].argv
    assert not [each for each in arguments if each.startswith("--authentication-token-webhook")]


def test_the_webhooks_address_is_a_secret_kept_in_a_file(plane: ControlPlane) -> None:
    plane = replace(plane, token_webhook_url=WEBHOOK)
    plane.prepare()
    arguments = plane.processes()[1].argv
    assert "hidden" not in " ".join(arguments)  # anybody may read the arguments of a process
    flag = "--authentication-token-webhook-config-file="
    path = Path(next(each for each in arguments if each.startswith(flag)).removeprefix(flag))
    assert loaded(path)["clusters"][0]["cluster"]["server"] == WEBHOOK
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "--authentication-token-webhook-version=v1" in arguments
    assert "hidden" not in repr(plane)


def test_processes_come_in_the_order_in_which_they_start(plane: ControlPlane) -> None:
    assert [(spec.name, spec.argv[0]) for spec in plane.processes()] == [
        ("etcd", "/opt/etcd/etcd"),
        ("kube-apiserver", "/opt/kubernetes/kube-apiserver"),
        ("kube-controller-manager", "/opt/kubernetes/kube-controller-manager"),
        ("kube-scheduler", "/opt/kubernetes/kube-scheduler"),
    ]


def test_chosen_ports_differ() -> None:
    ports = ControlPlanePorts.choose()
    assert len({ports.api_server, ports.etcd_client, ports.etcd_peer}) == 3
