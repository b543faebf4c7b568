"""The local control plane is the real thing, and nobody outside the machine reaches it."""

from __future__ import annotations

import base64
import ipaddress
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from onemachine.kubernetes import ControlPlane, ControlPlanePorts
from onemachine.kubernetes.api import ApiAnswer, ApiClient
from onemachine.processes.errors import StartFailed
from tests.integration.kubernetes_fixtures import (
    KubernetesApi,
    StartedControlPlane,
    start_control_plane,
)
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.kubernetes

LISTEN = "0A"  # TCP_LISTEN in the fourth column of /proc/net/tcp, proc(5)


@pytest.fixture
def plane(own_control_plane: StartedControlPlane) -> ControlPlane:
    return own_control_plane.plane


@pytest.fixture
def admin(plane: ControlPlane) -> ApiClient:
    return plane.api_as("admin")


@pytest.fixture
def namespace(admin: ApiClient, unique: str) -> Iterator[str]:
    """A namespace of the test's own."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": unique}}
    assert admin.call("POST", "/api/v1/namespaces", body).status == 201
    yield unique
    # There is no kubelet to end pods: they go at once, and with them the namespace.
    now = {"gracePeriodSeconds": 0}
    admin.call("DELETE", f"/apis/apps/v1/namespaces/{unique}/deployments", {})
    admin.call("DELETE", f"/api/v1/namespaces/{unique}/pods", now)
    admin.call("DELETE", f"/api/v1/namespaces/{unique}", {})


def test_the_api_server_is_the_pinned_version(admin: ApiClient) -> None:
    answer = admin.call("GET", "/version")
    assert (answer.status, answer.body["gitVersion"]) == (200, "v1.36.3")


def test_the_shared_fixture_gives_working_admin_access(
    control_plane: KubernetesApi, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_text(control_plane.ca_pem)
    # No credentials: reaching a 401 proves endpoint and CA; the kubeconfig is read below.
    answer = ApiClient(control_plane.endpoint, tmp_path / "ca.crt").call("GET", "/api/v1/nodes")
    assert answer.status in (401, 403)
    assert control_plane.endpoint in control_plane.kubeconfig.read_text()


def test_everything_listens_on_loopback_only(own_control_plane: StartedControlPlane) -> None:
    listening = {
        name: listeners(each.pid) for name, each in own_control_plane.launcher.processes.items()
    }
    ports = own_control_plane.plane.ports
    assert listening == {
        "etcd": {("127.0.0.1", ports.etcd_client), ("127.0.0.1", ports.etcd_peer)},
        "kube-apiserver": {("127.0.0.1", ports.api_server)},
        "kube-controller-manager": set(),
        "kube-scheduler": set(),
    }


def test_who_gives_no_credentials_is_refused(plane: ControlPlane) -> None:
    anonymous = ApiClient(plane.endpoint, plane.ca_file)
    assert anonymous.call("GET", "/api/v1/namespaces").status == 401
    assert anonymous.call("GET", "/version").status == 401


@pytest.mark.parametrize("identity", [None, "admin"])
def test_no_identity_of_the_cluster_opens_its_database(
    plane: ControlPlane, identity: str | None
) -> None:
    pki = plane.state_dir / "pki"
    tls = ssl.create_default_context(cafile=str(pki / "etcd-ca.crt"))
    if identity is not None:
        tls.load_cert_chain(pki / f"{identity}.crt", pki / f"{identity}.key")
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate|unknown ca"):
        greet_database(tls, plane.ports.etcd_client)


@pytest.mark.parametrize(
    ("identity", "method", "path", "status"),
    [
        ("prometheus", "GET", "/api/v1/pods", 200),
        ("prometheus", "GET", "/apis/discovery.k8s.io/v1/endpointslices", 200),
        ("prometheus", "GET", "/api/v1/secrets", 403),
        ("prometheus", "POST", "/api/v1/namespaces/default/pods", 403),
        ("kube-state-metrics", "GET", "/apis/apps/v1/statefulsets", 200),
        ("kube-state-metrics", "GET", "/apis/autoscaling/v2/horizontalpodautoscalers", 200),
        ("kube-state-metrics", "GET", "/api/v1/secrets", 403),
        ("node-agent", "GET", "/api/v1/pods", 200),
        ("node-agent", "POST", "/apis/apps/v1/namespaces/default/deployments", 403),
        ("node-agent", "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", 403),
        ("admin", "GET", "/api/v1/secrets", 200),
    ],
)
def test_every_identity_may_do_its_work_and_no_more(
    plane: ControlPlane, identity: str, method: str, path: str, status: int
) -> None:
    body: dict[str, Any] | None = {} if method == "POST" else None
    assert plane.api_as(identity).call(method, path, body).status == status


def test_a_requested_service_account_token_is_signed_for_its_audience(
    plane: ControlPlane, admin: ApiClient, namespace: str
) -> None:
    token = request_token(plane.api_as("node-agent"), admin, namespace, "sts.amazonaws.com")
    signed, _, signature = token.rpartition(".")
    claims = json.loads(decoded(signed.partition(".")[2]))
    assert claims["aud"] == ["sts.amazonaws.com"]
    assert claims["sub"] == f"system:serviceaccount:{namespace}:default"
    assert claims["iss"] == "https://kubernetes.default.svc"
    key = serialization.load_pem_public_key(plane.service_account_public_key.read_bytes())
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    # A token for AWS is none for the cluster.
    assert with_token(plane, token, "/api/v1/namespaces").status == 401


def test_a_service_account_token_is_bound_by_rbac(
    plane: ControlPlane, admin: ApiClient, namespace: str
) -> None:
    token = request_token(plane.api_as("node-agent"), admin, namespace, None)
    pods = f"/api/v1/namespaces/{namespace}/pods"
    denied = with_token(plane, token, pods)
    assert denied.status == 403
    assert f"system:serviceaccount:{namespace}:default" in denied.body["message"]
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    role = {
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
    }
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    }
    assert admin.call("POST", f"{rbac}/roles", role).status == 201
    assert admin.call("POST", f"{rbac}/rolebindings", binding).status == 201
    eventually("the grant to be felt", lambda: with_token(plane, token, pods).status == 200)
    assert with_token(plane, token, "/api/v1/namespaces/default/pods").status == 403


def test_a_disruption_budget_holds_evictions_back(
    plane: ControlPlane, admin: ApiClient, namespace: str, unique: str
) -> None:
    agent = plane.api_as("node-agent")
    capacity = {"cpu": "4", "memory": "4Gi", "pods": "10"}
    ready = {"type": "Ready", "status": "True", "reason": "Test", "message": "ready"}
    node = {
        "metadata": {"name": unique, "labels": {"test": unique}},
        "status": {"capacity": capacity, "allocatable": capacity, "conditions": [ready]},
    }
    assert agent.call("POST", "/api/v1/nodes", node).status == 201
    try:
        labels = {"app": unique}
        container = {"name": "c", "image": "example.test/none"}
        deployment = {
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"nodeSelector": {"test": unique}, "containers": [container]},
                },
            },
        }
        budget = {
            "metadata": {"name": "web"},
            "spec": {"minAvailable": 2, "selector": {"matchLabels": labels}},
        }
        budgets = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        assert admin.call("POST", path, deployment).status == 201
        assert admin.call("POST", budgets, budget).status == 201
        pods = eventually("two pods on the node", lambda: bound_pods(admin, namespace, 2))
        for pod in pods:
            mark_ready(agent, namespace, pod)
        healthy_is(admin, f"{budgets}/web", 2)

        refused = evict(admin, namespace, pods[0])
        assert refused.status == 429
        assert [cause["reason"] for cause in refused.body["details"]["causes"]] == [
            "DisruptionBudget"
        ]

        smaller = {"spec": {"minAvailable": 1}}
        patch = "application/merge-patch+json"
        patched = admin.call("PATCH", f"{budgets}/web", smaller, content_type=patch)
        assert patched.status == 200
        eventually(
            "the budget to allow one", lambda: evict(admin, namespace, pods[0]).status == 201
        )
    finally:
        agent.call("DELETE", f"/api/v1/nodes/{unique}", {})


def test_a_control_plane_that_cannot_start_says_which_part_and_why(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free = ControlPlanePorts.choose()
        ports = ControlPlanePorts(free.api_server, taken.getsockname()[1], free.etcd_peer)
        with pytest.raises(StartFailed, match=r"(?s)etcd ended.*address already in use"):
            start_control_plane(tmp_path, ports=ports)


def test_a_stopped_control_plane_goes_on_where_it_was(tmp_path: Path, unique: str) -> None:
    first = start_control_plane(tmp_path)
    try:
        admin = first.plane.api_as("admin")
        body = {"metadata": {"name": unique}, "data": {"kept": "yes"}}
        maps = "/api/v1/namespaces/default/configmaps"
        assert admin.call("POST", maps, body).status == 201
        token = request_token(first.plane.api_as("node-agent"), admin, "default", None)
    finally:
        first.launcher.stop()
    second = start_control_plane(tmp_path)  # on other ports
    try:
        admin = second.plane.api_as("admin")
        assert admin.call("GET", f"{maps}/{unique}").body["data"] == {"kept": "yes"}
        # 403, not 401: who it is, is still known.
        assert with_token(second.plane, token, "/api/v1/namespaces").status == 403
    finally:
        second.launcher.stop()


def listeners(pid: int | None) -> set[tuple[str, int]]:
    """Give address and port of every TCP socket that a process listens on, IPv4 and IPv6."""
    assert pid is not None
    own = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(str(descriptor.readlink()))
        except FileNotFoundError:  # closed meanwhile
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and f"socket:[{fields[9]}]" in own:
                address, _, port = fields[1].partition(":")
                found.add((decoded_address(address), int(port, 16)))
    return found


def decoded_address(text: str) -> str:
    """Decode an address of /proc/net/tcp: 32 bit words in the machine's (little endian) order."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def greet_database(tls: ssl.SSLContext, port: int) -> None:
    """Connect to etcd and read its verdict on the client's certificate.

    With TLS 1.3 that comes after the handshake. Nothing is sent: an etcd that is content waits for
    a request, and reading times out.
    """
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as plain,
        tls.wrap_socket(plain, server_hostname="127.0.0.1") as encrypted,
    ):
        encrypted.recv(1)


def request_token(agent: ApiClient, admin: ApiClient, namespace: str, audience: str | None) -> str:
    """Request a token of a namespace's default service account, as the node agent does."""
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    eventually("the default service account", lambda: admin.call("GET", account).status == 200)
    spec = {"expirationSeconds": 600} | ({"audiences": [audience]} if audience else {})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    answer = agent.call("POST", f"{account}/token", request)
    assert answer.status == 201, answer
    token: str = answer.body["status"]["token"]
    return token


def with_token(plane: ControlPlane, token: str, path: str) -> ApiAnswer:
    return ApiClient(plane.endpoint, plane.ca_file, token=token).call("GET", path)


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def bound_pods(admin: ApiClient, namespace: str, count: int) -> list[str]:
    items = admin.call("GET", f"/api/v1/namespaces/{namespace}/pods").body["items"]
    names = [item["metadata"]["name"] for item in items if item["spec"].get("nodeName")]
    return names if len(names) == count else []


def mark_ready(agent: ApiClient, namespace: str, pod: str) -> None:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    answer = agent.call(
        "PATCH",
        f"/api/v1/namespaces/{namespace}/pods/{pod}/status",
        {"status": status},
        content_type="application/strategic-merge-patch+json",
    )
    assert answer.status == 200, answer


def healthy_is(admin: ApiClient, budget: str, count: int) -> None:
    eventually(
        f"{count} healthy pods in the budget",
        lambda: admin.call("GET", budget).body.get("status", {}).get("currentHealthy") == count,
    )


def evict(admin: ApiClient, namespace: str, pod: str) -> ApiAnswer:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    return admin.call("POST", f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", body)
