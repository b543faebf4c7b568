"""Fixtures for the node agent: an agent process against a real control plane, and namespaces."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from onemachine.node import choose_pod_range
from tests.integration.kubernetes_fixtures import StartedControlPlane
from tests.integration.node.support import AgentProcess, Api, start_agent

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kube(own_control_plane: StartedControlPlane) -> Api:
    """The API as its admin."""
    return Api(own_control_plane.plane.admin_kubeconfig)


@pytest.fixture(scope="session")
def agent(
    own_control_plane: StartedControlPlane, kube: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AgentProcess]:
    """One agent with three nodes for all tests that do not stop it."""
    running = start_agent(
        own_control_plane.plane.node_agent_kubeconfig,
        tmp_path_factory.mktemp("agent"),
        ("node-a", "node-b", "node-c"),
        choose_pod_range("tests"),
    )
    try:
        kube.wait_for_nodes(*running.launch.nodes)
        yield running
    finally:
        running.stop()


@pytest.fixture
def namespace(kube: Api) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"test-{next(_numbers)}"
    kube.create_namespace(name)
    yield name
    kube.delete_namespace(name)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder that pods of the test may write to."""
    return tmp_path
