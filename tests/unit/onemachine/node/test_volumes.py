"""Volumes of claims: what their files really take, and the room that a claim is given."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any, cast

import pytest

from onemachine.node.cluster import Cluster
from onemachine.node.errors import ApiError
from onemachine.node.kubelet_metrics import KubeletMetrics
from onemachine.node.volumes import (
    VolumeKeeper,
    VolumeStats,
    VolumeStore,
    exposition,
    quantity,
    used_bytes,
)
from onemachine.processes.ports import free_port
from onemachine.processes.waiting import wait_until

POD = {
    "metadata": {"namespace": "apps", "name": "ledger-0", "uid": "u-1"},
    "spec": {
        "nodeName": "node-a",
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "the-data", "persistentVolumeClaim": {"claimName": "data-ledger-0"}},
        ],
    },
}
MEBIBYTE = 1024**2


class Claims:
    """An API server with one claim; stands in for :class:`Cluster`."""

    def __init__(self, wanted: str, has: str | None) -> None:
        self.wanted = wanted
        self.has = has
        self.volumes: list[tuple[str, Any]] = []

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        if (kind, namespace, name) != ("persistentvolumeclaims", "apps", "data-ledger-0"):
            raise ApiError(404, "no such claim")
        status = {} if self.has is None else {"capacity": {"storage": self.has}}
        return {
            "spec": {"volumeName": "pv-1", "resources": {"requests": {"storage": self.wanted}}},
            "status": status,
        }

    def patch_volume(self, name: str, spec: Any) -> None:
        self.volumes.append((name, spec))

    def patch_claim_status(self, namespace: str, name: str, status: Any) -> None:
        self.has = status["capacity"]["storage"]


def keeper(folder: Path, claims: Claims) -> VolumeKeeper:
    store = VolumeStore(folder)
    store.use(POD)
    return VolumeKeeper(store, cast(Cluster, claims))


@pytest.mark.parametrize(
    ("text", "size"), [("1Gi", 1024**3), ("512Mi", 512 * MEBIBYTE), ("2G", 2 * 10**9), ("7", 7)]
)
def test_a_quantity_is_read_as_kubernetes_means_it(text: str, size: int) -> None:
    assert quantity(text) == size


@pytest.mark.parametrize("text", ["1.5Gi", "", "-1Gi", "1GiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        quantity(text)


def test_a_container_is_told_where_its_claims_are_and_nothing_of_other_volumes(
    tmp_path: Path,
) -> None:
    store = VolumeStore(tmp_path)
    told = store.use(POD)
    assert told == {"VOLUME_THE_DATA": str(tmp_path / "apps_data-ledger-0")}
    assert Path(told["VOLUME_THE_DATA"]).is_dir()
    assert store.in_use() == {("apps", "data-ledger-0"): "node-a"}
    store.leave("u-1")
    assert store.in_use() == {}
    assert Path(told["VOLUME_THE_DATA"]).is_dir()  # a volume outlives its pods


def test_what_is_told_is_what_the_files_take(tmp_path: Path) -> None:
    volumes = keeper(tmp_path, Claims("4Mi", "4Mi"))
    (tmp_path / "apps_data-ledger-0" / "entries").write_bytes(b"x" * MEBIBYTE)
    (one,) = volumes.stats()
    assert one.used == used_bytes(tmp_path / "apps_data-ledger-0")
    assert MEBIBYTE <= one.used < MEBIBYTE + 64 * 1024
    assert one.available == 4 * MEBIBYTE - one.used


def test_a_hole_in_a_file_takes_no_room(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(64 * MEBIBYTE)
    assert used_bytes(tmp_path) < MEBIBYTE


def test_more_than_there_is_leaves_nothing() -> None:
    assert VolumeStats("apps", "data", "node-a", capacity=10, used=12).available == 0


def test_a_claim_that_asks_for_more_is_given_it(tmp_path: Path) -> None:
    claims = Claims("2Gi", "1Gi")
    volumes = keeper(tmp_path, claims)
    volumes.start()
    try:
        wait_until(lambda: claims.has == "2Gi", "the claim to grow", 10)
    finally:
        volumes.stop()
    assert claims.volumes == [("pv-1", {"capacity": {"storage": "2Gi"}})]


@pytest.mark.parametrize("has", ["1Gi", None])
def test_a_claim_that_has_its_room_or_no_volume_yet_is_left_alone(
    tmp_path: Path, has: str | None
) -> None:
    claims = Claims("1Gi", has)
    volumes = keeper(tmp_path, claims)
    volumes._grow("apps", "data-ledger-0")
    assert (claims.has, claims.volumes) == (has, [])


def test_the_metrics_are_those_of_a_kubelet(tmp_path: Path) -> None:
    volumes = keeper(tmp_path, Claims("1Gi", "1Gi"))
    pages = {"/metrics": lambda: exposition(volumes.stats())}
    metrics = KubeletMetrics(pages, port := free_port())
    metrics.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            told = answer.read().decode()
    finally:
        metrics.stop()
    labels = 'namespace="apps",persistentvolumeclaim="data-ledger-0",node="node-a"'
    assert f"kubelet_volume_stats_capacity_bytes{{{labels}}} {1024**3}\n" in told


def test_nobody_is_told_of_when_nothing_is_in_use() -> None:
    assert [line for line in exposition([]).splitlines() if not line.startswith("#")] == []
