"""Deployments on the node agent: rollouts are what they are in a cluster."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from onemachine.node import ImageSpec, write_image_map
from onemachine.node.images import read_image_map
from tests.integration.node.support import (
    AgentProcess,
    Api,
    deployment,
    listening_addresses,
    processes_with,
    web_container,
)
from tests.integration.node.traffic import Traffic
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.kubernetes


def get(address: str, path: str) -> str:
    connection = http.client.HTTPConnection(address, 8080, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_three_replicas_serve_on_three_addresses_of_their_own(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.apps.create_namespaced_deployment(namespace, deployment(web_container()))

    pods = kube.wait_ready(namespace, 3)

    answers = {pod.status.pod_ip: get(pod.status.pod_ip, "/") for pod in pods}
    assert answers == {pod.status.pod_ip: pod.metadata.name for pod in pods}
    assert len(answers) == 3
    pids = [pid for pod in pods for pid in processes_with(pod.metadata.name)]
    assert listening_addresses(pids) == set(answers)


def test_a_rolling_restart_replaces_every_process_and_loses_no_request(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    container = web_container(lifecycle={"preStop": {"sleep": {"seconds": 1}}})
    kube.apps.create_namespaced_deployment(namespace, deployment(container))
    before = {pod.metadata.name for pod in kube.wait_ready(namespace, 3)}
    stamp = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
    patch = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
    with Traffic(kube, namespace) as traffic:
        kube.apps.patch_namespaced_deployment("web", namespace, patch)

        def rolled_out() -> bool:
            names = {pod.metadata.name for pod in kube.pods(namespace)}
            return len(kube.ready_pods(namespace)) == 3 and not names & before

        eventually("all pods replaced", rolled_out)

    assert traffic.failures == []
    after = {pod.metadata.name for pod in kube.pods(namespace)}
    assert set(traffic.answers) == before | after
    assert not [name for name in before if processes_with(name)]


def test_a_request_under_way_is_answered_before_its_pod_ends(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.create_pod(namespace, web_container())
    [pod] = kube.wait_ready(namespace, 1)
    connection = http.client.HTTPConnection(pod.status.pod_ip, 8080, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/slow")
    eventually("request taken", lambda: "slow answer begun" in log_of(agent, namespace))

    kube.core.delete_namespaced_pod("web", namespace)

    assert connection.getresponse().read() == b"web"
    kube.wait_gone(namespace)
    assert "ending on SIGTERM" in log_of(agent, namespace)


def log_of(agent: AgentProcess, namespace: str, pod: str = "web") -> str:
    return agent.pod_file(namespace, pod, "web.log").read_text()


def test_a_rollout_to_an_unknown_image_hangs_while_the_old_pods_serve_on(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    container = web_container(command=False)
    kube.apps.create_namespaced_deployment(namespace, deployment(container, replicas=1))
    [old] = kube.wait_ready(namespace, 1)
    bad = {"spec": {"containers": [{"name": "web", "image": f"web:{namespace}"}]}}

    kube.apps.patch_namespaced_deployment("web", namespace, {"spec": {"template": bad}})

    def waiting() -> Any:
        new = [pod for pod in kube.pods(namespace) if pod.metadata.name != old.metadata.name]
        states = new[0].status.container_statuses if new else None
        return states and states[0].state.waiting

    found = eventually("new pod waiting for its image", waiting)
    eventually("back-off", lambda: waiting().reason == "ImagePullBackOff")
    assert f"web:{namespace}" in found.message
    assert [pod.metadata.name for pod in kube.ready_pods(namespace)] == [old.metadata.name]
    assert get(old.status.pod_ip, "/") == old.metadata.name

    images = agent.launch.images
    assert images is not None
    known = read_image_map(images)
    write_image_map(images, known | {f"web:{namespace}": known["web:1"]})

    def replaced() -> bool:
        ready = kube.ready_pods(namespace)
        return len(ready) == 1 and ready[0].metadata.name != old.metadata.name

    eventually("the pushed image rolled out", replaced)


def test_an_image_of_the_map_brings_its_command_and_variables(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    assert isinstance(read_image_map(agent.launch.images)["web:1"], ImageSpec)  # type: ignore[arg-type]  # set in start_agent
    container = web_container(command=False, env=[{"name": "OVER", "value": "pod"}])
    kube.create_pod(namespace, container)
    [pod] = kube.wait_ready(namespace, 1)

    env = json.loads(get(pod.status.pod_ip, "/env"))

    assert env["FROM_IMAGE"] == str(agent.pod_file(namespace, "web", "tmp")) + "/x"
    assert env["OVER"] == "pod"


def test_a_pod_gets_what_its_spec_says_and_nothing_of_the_host(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.core.create_namespaced_config_map(
        namespace, {"metadata": {"name": "settings"}, "data": {"LATENCY_MS": "5", "MODE": "x"}}
    )
    kube.core.create_namespaced_secret(
        namespace, {"metadata": {"name": "keys"}, "stringData": {"token": "s3cret"}}
    )
    container = web_container(
        envFrom=[{"configMapRef": {"name": "settings"}, "prefix": "S_"}],
        env=[
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "MODE"}}},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
            {
                "name": "NOT_THERE",
                "valueFrom": {"secretKeyRef": {"name": "keys", "key": "none", "optional": True}},
            },
            {"name": "BOTH", "value": "$(NODE)/$(MODE)/$(UNKNOWN)"},
        ],
    )
    kube.create_pod(namespace, container)
    [pod] = kube.wait_ready(namespace, 1)

    env = json.loads(get(pod.status.pod_ip, "/env"))

    node = pod.spec.node_name
    assert {"S_LATENCY_MS": "5", "S_MODE": "x", "NODE": node, "APP": "web"}.items() <= env.items()
    assert env["TOKEN"] == "s3cret"
    assert env["BOTH"] == f"{node}/x/$(UNKNOWN)"
    assert "NOT_THERE" not in env
    assert "HOST_SECRET" not in env
    assert "PYTHONPATH" not in env


def test_a_pod_waits_for_a_config_map_that_is_missing(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.create_pod(namespace, web_container(envFrom=[{"configMapRef": {"name": "late"}}]))

    def reason() -> str | None:
        unit = kube.state(namespace)
        return unit.state.waiting.reason if unit and unit.state.waiting else None

    eventually("config error shown", lambda: reason() == "CreateContainerConfigError")
    kube.core.create_namespaced_config_map(
        namespace, {"metadata": {"name": "late"}, "data": {"A": "1"}}
    )
    kube.wait_ready(namespace, 1)
