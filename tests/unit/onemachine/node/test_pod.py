"""A pod's worker when the API server is away, slow or has forgotten the pod.

The API server's part is played by an object that can be told to fail; processes are real.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from onemachine.node import pod as pod_module
from onemachine.node.addresses import AddressPool, parse_range
from onemachine.node.agent import PodManager
from onemachine.node.cluster import Cluster
from onemachine.node.errors import ApiError
from onemachine.node.events import EventRecorder
from onemachine.node.guard import Guard
from onemachine.node.images import ImageStore
from onemachine.node.pod import Host
from onemachine.node.settings import AgentSettings
from onemachine.node.usage import CpuUsage
from onemachine.node.volumes import VolumeStore
from tests.support.waiting import PATIENCE_SECONDS

STUBBORN = "trap '' TERM; echo up; while true; do sleep 0.05; done"


class Server:
    """Takes statuses and removals, as long as it is not told to fail."""

    def __init__(self) -> None:
        self.failing: list[int] = []
        self.statuses: queue.Queue[dict[str, Any]] = queue.Queue()
        self.removed = threading.Event()

    def _fail(self) -> None:
        if self.failing:
            raise ApiError(self.failing.pop(0), "told to fail")

    def patch_pod_status(
        self, namespace: str, name: str, uid: str, status: dict[str, Any]
    ) -> dict[str, Any]:
        self._fail()
        self.statuses.put(status)
        return {"metadata": {"resourceVersion": "1"}}

    def remove_pod(self, namespace: str, name: str, uid: str) -> None:
        self._fail()
        self.removed.set()

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        return {"metadata": {}}


class Stage:
    """A manager with one pod."""

    def __init__(self, folder: Path, guard: Guard) -> None:
        self.server = Server()
        network = parse_range("127.201.0.0/16")
        cluster = cast(Cluster, self.server)
        settings = AgentSettings(("node-a",), folder, network, stop_seconds=0.2)
        host = Host(
            settings,
            cluster,
            ImageStore(None),
            AddressPool(network),
            guard,
            EventRecorder(cluster),
            VolumeStore(folder / "volumes"),
            CpuUsage(),
        )
        self.manager = PodManager(host)
        self.log = folder / "pods" / "apps_web" / "web.log"

    def pod(self, script: str = STUBBORN, **metadata: Any) -> dict[str, Any]:
        return {
            "metadata": {
                "namespace": "apps",
                "name": "web",
                "uid": "u-1",
                "resourceVersion": "1",
                **metadata,
            },
            "spec": {
                "nodeName": "node-a",
                "terminationGracePeriodSeconds": 60,
                "containers": [{"name": "web", "image": "x", "command": ["/bin/sh", "-c", script]}],
            },
        }

    def start(self, script: str = STUBBORN) -> threading.Thread:
        self.manager.changed(self.pod(script))
        [worker] = [t for t in threading.enumerate() if t.name == "pod apps/web"]
        return worker

    def wait_up(self) -> None:
        while not (self.log.exists() and "up" in self.log.read_text()):
            threading.Event().wait(0.02)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(pod_module, "_RETRY_API", 0.05)
    guard = Guard()
    one = Stage(tmp_path, guard)
    yield one
    one.manager.stop(10)
    guard.close()


def ended(worker: threading.Thread) -> bool:
    worker.join(PATIENCE_SECONDS)
    return not worker.is_alive()


def test_a_pod_that_is_missing_from_a_new_list_is_killed_at_once(stage: Stage) -> None:
    worker = stage.start()
    stage.wait_up()
    stage.manager.replace([])
    assert ended(worker)
    assert not stage.server.removed.is_set()


def test_a_pod_whose_deletion_was_watched_to_the_end_is_killed_at_once(stage: Stage) -> None:
    worker = stage.start()
    stage.wait_up()
    stage.manager.deleted(stage.pod())
    assert ended(worker)


def test_a_status_that_finds_no_pod_ends_it(stage: Stage) -> None:
    stage.server.failing = [404]
    worker = stage.start()
    assert ended(worker)
    assert not stage.server.removed.is_set()


def test_a_status_is_sent_again_until_the_server_takes_it(stage: Stage) -> None:
    stage.server.failing = [0, 500, 429, 403]
    stage.start()
    status = stage.server.statuses.get(timeout=PATIENCE_SECONDS)
    assert status["containerStatuses"][0]["state"]["running"]
    assert stage.server.failing == []


def test_a_pod_is_removed_only_after_its_process_and_until_it_works(stage: Stage) -> None:
    worker = stage.start("trap 'exit 4' TERM; echo up; while true; do sleep 0.05; done")
    stage.wait_up()
    while (
        "running"
        not in stage.server.statuses.get(timeout=PATIENCE_SECONDS)["containerStatuses"][0]["state"]
    ):
        pass
    stage.server.failing = [0, 0, 500]

    stage.manager.changed(
        stage.pod(deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=60)
    )

    assert ended(worker)
    assert stage.server.removed.is_set()
    last = stage.server.statuses.get(timeout=PATIENCE_SECONDS)
    assert last["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 4
    assert last["phase"] == "Running"


def test_a_stopping_agent_ends_the_process_and_leaves_the_object(stage: Stage) -> None:
    worker = stage.start()
    stage.wait_up()
    stage.manager.stop(20)
    assert not worker.is_alive()
    assert not stage.server.removed.is_set()


def test_a_pod_of_another_node_is_left_alone(stage: Stage) -> None:
    pod = stage.pod()
    pod["spec"]["nodeName"] = "node-of-somebody-else"
    stage.manager.changed(pod)
    assert not [t for t in threading.enumerate() if t.name == "pod apps/web"]


def test_a_finished_pod_is_not_run_again_but_removed_when_deleted(stage: Stage) -> None:
    pod = stage.pod("exit 0")
    pod["spec"]["restartPolicy"] = "Never"
    stage.manager.changed(pod)
    while stage.server.statuses.get(timeout=PATIENCE_SECONDS)["phase"] != "Succeeded":
        pass
    for thread in threading.enumerate():
        if thread.name == "pod apps/web":
            thread.join(20)
    pod["status"] = {"phase": "Succeeded"}
    stage.manager.changed(pod)
    assert not [t for t in threading.enumerate() if t.name == "pod apps/web"]
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    stage.manager.changed(pod)
    assert stage.server.removed.is_set()
