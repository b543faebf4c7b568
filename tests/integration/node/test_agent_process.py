"""The agent as a process: its nodes, its end, and what it refuses."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onemachine.node import choose_pod_range
from onemachine.node.kubelet_logs import KUBELET_PORT
from onemachine.node.nodes import control_file
from tests.integration.kubernetes_fixtures import StartedControlPlane
from tests.integration.node.support import (
    AgentProcess,
    Api,
    processes_with,
    start_agent,
    web_container,
)
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.kubernetes

NODE = "node-x"
PINNED = {"nodeSelector": {"kubernetes.io/hostname": NODE}}


@pytest.fixture
def own_agent(
    own_control_plane: StartedControlPlane, kube: Api, tmp_path: Path
) -> Iterator[AgentProcess]:
    """An agent that the test may stop."""
    running = start_agent(
        own_control_plane.plane.node_agent_kubeconfig, tmp_path, (NODE,), choose_pod_range("own")
    )
    try:
        kube.wait_for_nodes(NODE)
        yield running
    finally:
        running.stop()
        kube.core.delete_node(NODE)


def parent_and_child(scratch: Path) -> dict[str, Any]:
    return {
        "name": "web",
        "image": "any",
        "command": ["/bin/sh", "-c", f"sleep 601 & touch {scratch}/up; sleep 602; true"],
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_pod_process_outlives_the_agent(
    own_agent: AgentProcess, kube: Api, namespace: str, scratch: Path, number: signal.Signals
) -> None:
    kube.create_pod(namespace, parent_and_child(scratch), **PINNED)
    eventually("up", (scratch / "up").exists)
    here = str(own_agent.launch.state_dir / "pods")
    eventually("shell and its two sleeps", lambda: len(processes_with(here)) == 3)

    own_agent.process.send_signal(number)
    code = own_agent.process.wait(PATIENCE_SECONDS)

    assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    eventually("no process left", lambda: not processes_with(here))


def test_an_agent_started_anew_takes_its_pods_up_again(
    own_agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.create_pod(namespace, web_container(), **PINNED)
    kube.wait_ready(namespace, 1)
    before = kube.state(namespace).container_id
    address = kube.pod(namespace).status.pod_ip
    own_agent.stop()

    again = start_agent(
        own_agent.launch.kubeconfig,
        own_agent.launch.state_dir.parent,
        (NODE,),
        choose_pod_range("own-again"),  # so that the pod has another address, too
    )
    try:
        eventually("new process", lambda: kube.state(namespace).container_id != before)
        [pod] = kube.wait_ready(namespace, 1)
        assert pod.status.container_statuses[0].restart_count == 1
        assert [one.ip for one in pod.status.pod_ips] == [pod.status.pod_ip]
        assert pod.status.pod_ip != address
        kube.core.delete_namespaced_pod("web", namespace)
        kube.wait_gone(namespace)
    finally:
        again.stop()


def test_a_fault_file_makes_a_node_not_ready_until_it_is_removed(
    own_agent: AgentProcess, kube: Api
) -> None:
    def ready() -> tuple[str, list[str]]:
        node = kube.core.read_node(NODE)
        status = next(one.status for one in node.status.conditions if one.type == "Ready")
        return status, [taint.key for taint in node.spec.taints or []]

    fault = control_file(own_agent.launch.state_dir, NODE)
    fault.touch()
    eventually("not ready and tainted", lambda: ready()[0] == "False" and ready()[1])
    assert set(ready()[1]) == {"node.kubernetes.io/not-ready"}

    fault.unlink()
    eventually("ready again", lambda: ready() == ("True", []))


def test_a_silent_node_says_nothing_of_its_pods_until_it_is_back(
    own_agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.create_pod(namespace, web_container(), **PINNED)
    kube.wait_ready(namespace, 1)
    here = str(own_agent.launch.state_dir / "pods" / f"{namespace}_web")
    fault = control_file(own_agent.launch.state_dir, NODE)
    fault.write_text("silent")

    kube.core.delete_namespaced_pod("web", namespace)
    eventually("process ended", lambda: not processes_with(here))
    assert kube.state(namespace).state.running
    assert kube.state(namespace).ready

    fault.unlink()
    kube.wait_gone(namespace)


def test_a_second_agent_on_the_same_range_is_refused(own_agent: AgentProcess) -> None:
    result = subprocess.run(
        own_agent.launch.command(),
        env=own_agent.launch.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert result.returncode == 1
    assert "in use by another node agent" in result.stderr
    assert "Traceback" not in result.stderr


def test_it_listens_only_where_a_kubelet_does_and_on_loopback(own_agent: AgentProcess) -> None:
    assert own_agent.process.poll() is None
    links = Path(f"/proc/{own_agent.process.pid}/fd").iterdir()
    sockets = [str(link.readlink()) for link in links if link.is_symlink()]
    inodes = {text[8:-1] for text in sockets if text.startswith("socket:[")}
    found = 0
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[9] in inodes and columns[3] in ("0A", "07"):
                # As the kernel writes it: an address of IPv4 from its last byte on.
                address, port = columns[1].split(":")
                assert (table, address[-2:], int(port, 16)) == ("tcp", "7F", KUBELET_PORT), line
                found += 1
    assert found == len(own_agent.launch.nodes)
