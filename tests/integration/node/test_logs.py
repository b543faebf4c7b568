"""Logs of containers, read as anybody reads them: through the API server."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from kubernetes.client.exceptions import ApiException

from onemachine.node.cluster import Cluster
from onemachine.node.kubelet_logs import KUBELET_PORT
from tests.integration.kubernetes_fixtures import StartedControlPlane
from tests.integration.node.support import AgentProcess, Api
from tests.support.waiting import eventually

pytestmark = pytest.mark.kubernetes

#: Ends at its first run, and goes on at its second.
CRASHES = """
if [ -e {mark} ]; then echo again; exec sleep 600; fi
touch {mark}; for i in 1 2 3; do echo "line $i" >&2; done; printf "no end"; exit 3
"""


def pod(kube: Api, namespace: str, text: str) -> None:
    container = {"name": "web", "image": "any", "command": ["/bin/sh", "-c", text]}
    kube.create_pod(namespace, container)


def begun(kube: Api, namespace: str) -> int:
    """How often the container has begun."""
    state = kube.state(namespace)
    return state.restart_count + 1 if state and state.container_id else 0


def read(kube: Api, namespace: str, **options: object) -> str:
    text = kube.core.read_namespaced_pod_log(
        "web", namespace, container="web", _preload_content=False, **options
    )
    return str(text.data.decode())


def test_the_run_that_ended_is_told_from_the_one_that_goes_on(
    agent: AgentProcess, kube: Api, namespace: str, scratch: Path
) -> None:
    pod(kube, namespace, CRASHES.format(mark=scratch / "ran"))
    eventually("a restart", lambda: begun(kube, namespace) == 2)
    eventually("the next run writes", lambda: read(kube, namespace) == "again\n")
    ended = read(kube, namespace, previous=True).splitlines()
    assert ended == ["line 1", "line 2", "line 3", "no end"]
    assert read(kube, namespace, previous=True, tail_lines=1) == "no end\n"
    stamped = read(kube, namespace, previous=True, tail_lines=2, timestamps=True)
    at, _, line = stamped.splitlines()[0].partition(" ")
    assert (line, at[:2], at[-1]) == ("line 3", "20", "Z")
    assert read(kube, namespace, previous=True, limit_bytes=7) == "line 1\n"


def test_a_run_that_never_was_is_refused(agent: AgentProcess, kube: Api, namespace: str) -> None:
    pod(kube, namespace, "echo here; sleep 600")
    eventually("it writes", lambda: begun(kube, namespace) and read(kube, namespace))
    with pytest.raises(ApiException) as refused:
        read(kube, namespace, previous=True)
    assert refused.value.status == 400
    assert "previous terminated container" in str(refused.value.body)


def test_nobody_but_the_api_server_is_answered(
    own_control_plane: StartedControlPlane, agent: AgentProcess, kube: Api
) -> None:
    node = kube.core.read_node(agent.launch.nodes[0])
    [address] = [each.address for each in node.status.addresses if each.type == "InternalIP"]
    url = f"https://{address}:{KUBELET_PORT}/containerLogs/a/b/c"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.raises((ssl.SSLError, urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(url, context=context, timeout=10)
    # Somebody else whom the cluster knows: the agent itself.
    _, certificate, key = Cluster(own_control_plane.plane.node_agent_kubeconfig).certificates
    context.load_cert_chain(certificate, key)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, context=context, timeout=10)
    assert refused.value.code == 403
    assert "only the API server" in refused.value.read().decode()
