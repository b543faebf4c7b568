"""The shipped service and monitoring on a cluster of their own, with customers and a webhook."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest

from onemachine.binaries import find
from onemachine.monitoring import QUICK, Alertmanager, Prometheus
from onemachine.node import NodeAgent, choose_pod_range, write_image_map
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from onemachine.stack.checkout import LOCAL_IMAGE, MANIFESTS, checkout_image
from onemachine.traffic import Traffic
from tests.integration.kubernetes_fixtures import start_control_plane

T = TypeVar("T")

API_KEY = "key-of-the-test"


def eventually(what: str, probe: Callable[[], T], seconds: float = 60.0) -> T:
    """Ask until the answer is truthy; fail with ``what``."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"did not happen within {seconds:g} s: {what}"
        time.sleep(0.2)


class Webhook(ThreadingHTTPServer):
    """Takes Alertmanager's posts as the platform's API would."""

    def __init__(self) -> None:
        self.posts: list[tuple[str | None, dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _TakePost)

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.server_address[1]}/live/webhook"

    def alerts(self, status: str, name: str) -> list[dict[str, Any]]:
        """All alerts posted so far that have this status and name."""
        return [
            alert
            for _key, body in self.posts
            for alert in body["alerts"]
            if (alert["status"], alert["labels"]["alertname"]) == (status, name)
        ]


class _TakePost(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts.append((self.headers["X-Api-Key"], body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@dataclass
class Shop:
    """Everything that runs."""

    kubeconfig: Path
    webhook: Webhook
    traffic: Traffic
    prometheus: Prometheus
    processes: list[ManagedProcess] = field(default_factory=list)

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as admin."""
        command = [str(find("kubernetes") / "kubectl"), f"--kubeconfig={self.kubeconfig}"]
        result = subprocess.run(
            [*command, "--namespace=apps", *arguments], capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def rolled_out(self) -> None:
        """Wait for the rollout in progress."""
        self.kubectl("rollout", "status", "deployment/checkout", "--timeout=120s")

    def pods(self) -> set[str]:
        """Names of the pods that are not going away."""
        items = json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]
        return {
            item["metadata"]["name"]
            for item in items
            if "deletionTimestamp" not in item["metadata"]
        }

    def start(self, name: str, argv: Any, env: dict[str, str], folder: Path) -> ManagedProcess:
        """Start a process that ends with the shop."""
        process = ManagedProcess(name, tuple(argv), env, folder / f"{name}.log")
        self.processes.append(process.start())
        return process


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Checkout as ``eks/apps/overlays/local`` deploys it, watched at the quick pace."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "cluster").mkdir()
    cluster = start_control_plane(folder / "cluster")
    webhook = Webhook()
    threading.Thread(target=webhook.serve_forever, daemon=True).start()
    plane = cluster.plane
    alertmanager_port = free_port()
    shop = Shop(
        kubeconfig=plane.admin_kubeconfig,
        webhook=webhook,
        traffic=Traffic(plane.prometheus_kubeconfig, folder / "traffic.jsonl"),
        prometheus=Prometheus(
            bin_folder=find("prometheus"),
            state_dir=folder / "prometheus",
            port=free_port(),
            kubeconfig=plane.prometheus_kubeconfig,
            alertmanager=f"127.0.0.1:{alertmanager_port}",
            pace=QUICK,
        ),
    )
    try:
        _open(shop, folder, plane.node_agent_kubeconfig, alertmanager_port)
        yield shop
    finally:
        for process in reversed(shop.processes):
            process.stop()
        cluster.launcher.stop()
        webhook.shutdown()
        webhook.server_close()


def _open(shop: Shop, folder: Path, node_agent_kubeconfig: Path, alertmanager_port: int) -> None:
    images = folder / "images.json"
    write_image_map(images, {LOCAL_IMAGE: checkout_image()})
    agent = NodeAgent(
        kubeconfig=node_agent_kubeconfig,
        nodes=("node-a", "node-b"),
        state_dir=folder / "agent",
        pod_range=choose_pod_range(f"monitoring-{os.getpid()}"),
        images=images,
    )
    shop.start("node-agent", agent.command(), agent.environment(), folder)
    shop.kubectl("apply", "-k", str(MANIFESTS))
    shop.rolled_out()
    shop.traffic.prepare()
    traffic = shop.start("traffic", shop.traffic.command(), shop.traffic.environment(), folder)
    shop.traffic.wait_ready(traffic)
    alertmanager = Alertmanager(
        bin_folder=find("alertmanager"),
        state_dir=folder / "alertmanager",
        port=alertmanager_port,
        webhook_url=shop.webhook.url,
        api_key=API_KEY,
        pace=QUICK,
    )
    for each in (alertmanager, shop.prometheus):
        each.prepare()
        each.wait_ready(shop.start(each.name, each.command(), {}, folder))
