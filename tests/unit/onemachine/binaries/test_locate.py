"""Where the stack's binaries are looked for, and what is said where they are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onemachine.binaries import COMPONENTS, BinaryUnavailable, Component, find
from onemachine.binaries.locate import cache_folder


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRECTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


def put_binaries(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=lambda each: each.name)
def test_a_component_in_the_cache_is_found(tmp_path: Path, component: Component) -> None:
    folder = put_binaries(tmp_path / "cache" / component.label / "bin", *component.binaries)
    assert find(component.name) == folder


def test_the_users_assets_come_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_binaries(tmp_path / "cache" / "etcd-3.6.16" / "bin", "etcd")
    assets = put_binaries(tmp_path / "assets", "etcd", "kube-apiserver", "kubectl")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert find("etcd") == assets


def test_assets_with_only_a_part_of_a_component_are_not_mixed_with_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = put_binaries(tmp_path / "assets", "etcd", "kube-apiserver", "kubectl")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    with pytest.raises(BinaryUnavailable, match="lacks kube-controller-manager, kube-scheduler"):
        find("kubernetes")
    kubernetes = COMPONENTS["kubernetes"]
    cached = put_binaries(tmp_path / "cache" / kubernetes.label / "bin", *kubernetes.binaries)
    assert find("kubernetes") == cached


def test_a_half_filled_cache_folder_is_not_a_find(tmp_path: Path) -> None:
    put_binaries(tmp_path / "cache" / "prometheus-0.316.0" / "bin", "prometheus")
    with pytest.raises(BinaryUnavailable, match="is not complete"):
        find("prometheus")


def test_programs_on_path_are_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(put_binaries(tmp_path / "path", "etcd")))
    with pytest.raises(BinaryUnavailable):
        find("etcd")


def test_the_message_says_what_to_do() -> None:
    with pytest.raises(BinaryUnavailable) as caught:
        find("kubernetes")
    message = str(caught.value)
    for advice in (
        "python -m onemachine.binaries",
        "KUBEBUILDER_ASSETS",
        "SRECTL_TEST_KUBECONFIG",
        "1.26",
    ):
        assert advice in message


def test_assets_are_not_offered_for_what_they_cannot_bring() -> None:
    with pytest.raises(BinaryUnavailable) as caught:
        find("alertmanager")
    assert "SRECTL_TEST_KUBECONFIG" not in str(caught.value)


def test_an_unknown_component_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'grafana'; there are kubernetes, etcd, prometheus"):
        find("grafana")


def test_the_cache_follows_the_xdg_convention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SRECTL_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "srectl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "srectl"


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=lambda each: each.name)
def test_the_pinned_module_is_the_version_that_is_promised(component: Component) -> None:
    pins = (component.module_folder / "go.mod").read_text("utf-8")
    assert re.search(rf"\b{re.escape(component.module)} v{re.escape(component.version)}\b", pins)
    sums = (component.module_folder / "go.sum").read_text("utf-8")
    assert f"{component.module} v{component.version} h1:" in sums
