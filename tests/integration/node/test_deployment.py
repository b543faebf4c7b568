"""Deployments on the node agent: rollouts are what they are in a cluster."""

from __future__ import annotations

import http.client
import threading
import time
from typing import Any

import pytest

from tests.integration.node.support import (
    AgentProcess,
    Api,
    deployment,
    eventually,
    listening_addresses,
    processes_with,
    web_container,
)

pytestmark = pytest.mark.kubernetes


def get(address: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, 8080, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_three_replicas_serve_on_three_addresses_of_their_own(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.apps.create_namespaced_deployment(namespace, deployment(web_container()))

    pods = kube.wait_ready(namespace, 3)

    answers = {pod.status.pod_ip: get(pod.status.pod_ip, "/")[1] for pod in pods}
    assert answers == {pod.status.pod_ip: pod.metadata.name for pod in pods}
    assert len(answers) == 3
    pids = [pid for pod in pods for pid in processes_with(pod.metadata.name)]
    assert listening_addresses(pids) == set(answers)
