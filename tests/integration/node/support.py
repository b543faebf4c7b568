"""The API as the tests use it, agent processes, and manifests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kubernetes import client, config

from onemachine.node import ImageSpec, NodeAgent, write_image_map
from tests.support.waiting import PATIENCE_SECONDS, eventually

T = TypeVar("T")
Json = dict[str, Any]

WEB = Path(__file__).with_name("web.py")
PYTHON = sys.executable


@dataclass
class AgentProcess:
    """A running agent."""

    launch: NodeAgent
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_SECONDS)

    def pod_file(self, namespace: str, pod: str, name: str) -> Path:
        return self.launch.state_dir / "pods" / f"{namespace}_{pod}" / name


def start_agent(
    kubeconfig: Path, folder: Path, nodes: tuple[str, ...], pod_range: str, **more: Any
) -> AgentProcess:
    """Start an agent whose image map knows ``web:1``; its back-off is a fiftieth of a kubelet's."""
    images = folder / "images.json"
    write_image_map(
        images,
        {
            "web:1": ImageSpec(
                (PYTHON, str(WEB)), env={"FROM_IMAGE": "$(TMPDIR)/x", "OVER": "image"}
            )
        },
    )
    launch = NodeAgent(
        kubeconfig=kubeconfig,
        nodes=nodes,
        state_dir=folder / "state",
        pod_range=pod_range,
        images=images,
        restart_backoff_scale=0.02,
        **more,
    )
    log = folder / "agent.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            launch.command(),
            env=launch.environment() | {"HOST_SECRET": "not for pods"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return AgentProcess(launch, process, log)


@dataclass
class Api:
    """Few calls on a real API server, as its admin."""

    kubeconfig: Path
    core: Any = field(init=False)
    apps: Any = field(init=False)
    policy: Any = field(init=False)

    def __post_init__(self) -> None:
        connection = config.new_client_from_config(  # type: ignore[no-untyped-call]  # no types there
            str(self.kubeconfig)
        )
        self.core = client.CoreV1Api(connection)
        self.apps = client.AppsV1Api(connection)
        self.policy = client.PolicyV1Api(connection)

    def wait_for_nodes(self, *names: str) -> None:
        def ready() -> bool:
            nodes = {node.metadata.name: node for node in self.core.list_node().items}
            return all(
                name in nodes
                and not nodes[name].spec.taints
                and any(
                    c.type == "Ready" and c.status == "True"
                    for c in nodes[name].status.conditions or []
                )
                for name in names
            )

        eventually(f"nodes {names} ready", ready)

    def create_namespace(self, name: str) -> None:
        self.core.create_namespace({"metadata": {"name": name}})
        eventually(
            "default ServiceAccount",
            lambda: self.core.list_namespaced_service_account(name).items,
        )

    def delete_namespace(self, name: str) -> None:
        self.core.delete_namespace(name)

    def pods(self, namespace: str) -> list[Any]:
        pods: list[Any] = self.core.list_namespaced_pod(namespace).items
        return pods

    def pod(self, namespace: str, name: str = "web") -> Any:
        return self.core.read_namespaced_pod(name, namespace)

    def ready_pods(self, namespace: str) -> list[Any]:
        return [pod for pod in self.pods(namespace) if is_ready(pod)]

    def wait_ready(self, namespace: str, count: int) -> list[Any]:
        def all_ready() -> list[Any]:
            pods = self.ready_pods(namespace)
            return pods if len(pods) == count else []

        return eventually(f"{count} pods ready in {namespace}", all_ready)

    def wait_running(self, namespace: str, name: str = "web") -> Any:
        def running() -> Any:
            pod = self.pod(namespace, name)
            return pod if pod.status.phase == "Running" else None

        return eventually(f"pod {name} running", running)

    def state(self, namespace: str, name: str = "web") -> Any:
        """The state of a pod's first container, None before there is one."""
        found = self.pod(namespace, name).status.container_statuses
        return found[0] if found else None

    def wait_gone(self, namespace: str, name: str = "web") -> None:
        def gone() -> bool:
            return all(pod.metadata.name != name for pod in self.pods(namespace))

        eventually(f"pod {name} gone", gone)

    def events(self, namespace: str) -> set[str]:
        return {event.reason for event in self.core.list_namespaced_event(namespace).items}

    def create_pod(self, namespace: str, container: Json, **spec: Any) -> None:
        self.core.create_namespaced_pod(namespace, pod_manifest(container, **spec))


def is_ready(pod: Any) -> bool:
    conditions = pod.status.conditions or []
    ready = any(one.type == "Ready" and one.status == "True" for one in conditions)
    return ready and not pod.metadata.deletion_timestamp


def web_container(*args: str, command: bool = True, **more: Any) -> Json:
    """A container with the test server."""
    container: Json = {
        "name": "web",
        "image": "web:1",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1},
    }
    if command:
        container["command"] = [PYTHON, str(WEB)]
    if args:
        container["args"] = list(args)
    return container | more


def pod_manifest(container: Json, labels: Json | None = None, **spec: Any) -> Json:
    return {
        "metadata": {"name": "web", "labels": labels or {"app": "web"}},
        "spec": {"terminationGracePeriodSeconds": 5, "containers": [container]} | spec,
    }


def deployment(container: Json, replicas: int = 3, **spec: Any) -> Json:
    return {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": pod_manifest(container)["spec"] | spec,
            },
        },
    }


def processes_with(text: str) -> list[int]:
    """Return the ids of processes that have the text in their environment or command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            content = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            zombie = ") Z " in (entry / "stat").read_text()
        except OSError:
            continue
        if text.encode() in content and not zombie:
            found.append(int(entry.name))
    return found


def listening_addresses(pids: Sequence[int]) -> set[str]:
    """Return the local IPv4 addresses, and "ipv6" if there is any, these processes listen on."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                raw = columns[1].split(":")[0]
                octets = [str(int(raw[i : i + 2], 16)) for i in (6, 4, 2, 0)]
                found.add(".".join(octets) if table == "tcp" else "ipv6")
    return found
