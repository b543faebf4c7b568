"""The shipped service and monitoring on a cluster of their own, with customers and a webhook."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from onemachine.binaries import find
from onemachine.monitoring import QUICK, Alertmanager, Prometheus
from onemachine.node import NodeAgent, choose_pod_range, write_image_map
from onemachine.processes.ports import free_port
from onemachine.stack.checkout import LOCAL_IMAGE, MANIFESTS, checkout_image
from onemachine.stack.children import Children
from onemachine.stack.manifests import apply
from onemachine.stack.state import StackFolder
from onemachine.traffic import DEMO_ORDERS_PER_SECOND, Traffic
from tests.integration.kubernetes_fixtures import start_control_plane
from tests.integration.monitoring.shop import API_KEY, Shop, Webhook


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
        traffic=Traffic(
            plane.prometheus_kubeconfig, folder / "traffic.jsonl", DEMO_ORDERS_PER_SECOND
        ),
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
    apply(Children(StackFolder(folder / "manifests")), MANIFESTS, shop.kubeconfig)
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
