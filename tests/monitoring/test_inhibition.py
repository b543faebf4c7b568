"""A real Alertmanager with the shipped configuration: which alert silences which."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from onemachine.binaries import BinaryUnavailable, find
from onemachine.monitoring import Alertmanager
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from onemachine.processes.waiting import wait_until
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.monitoring

DEPLOYMENT = {"cluster": "c", "namespace": "apps", "deployment": "checkout"}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """Alertmanager, whose webhook nobody answers."""
    folder = tmp_path_factory.mktemp("alertmanager")
    try:
        binaries = find("alertmanager")
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)
    made = Alertmanager(
        bin_folder=binaries,
        state_dir=folder,
        port=free_port(),
        webhook_url="http://127.0.0.1:9/webhook",
        api_key="key-of-the-test",
    )
    made.prepare()
    process = ManagedProcess(made.name, made.command(), {}, folder / "log").start()
    try:
        made.wait_ready(process)
        yield made
    finally:
        process.stop()


def silenced(alertmanager: Alertmanager, *alerts: dict[str, str]) -> set[str]:
    """Send alerts, and give the names of those that other alerts inhibit."""
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(
        f"{alertmanager.url}/api/v2/alerts", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=PATIENCE_SECONDS).close()

    def held() -> list[dict[str, Any]]:
        with urllib.request.urlopen(
            f"{alertmanager.url}/api/v2/alerts", timeout=PATIENCE_SECONDS
        ) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        ours = [each for each in found if each["labels"] in list(alerts)]
        processed = all(each["status"]["state"] != "unprocessed" for each in ours)
        return ours if processed and len(ours) == len(alerts) else []

    wait_until(lambda: bool(held()), "all alerts to be processed", PATIENCE_SECONDS)
    return {each["labels"]["alertname"] for each in held() if each["status"]["inhibitedBy"]}


@pytest.mark.parametrize(
    ("source", "severity", "target"),
    [
        ("CheckoutErrorBudgetBurnFast", "critical", "CheckoutErrorBudgetBurnSlow"),
        ("CheckoutLatencyBudgetBurnFast", "critical", "CheckoutLatencyBudgetBurnSlow"),
        ("CheckoutBadRollout", "critical", "KubeDeploymentRolloutStuck"),
        ("CheckoutPodNotReady", "warning", "KubeDeploymentReplicasMismatch"),
        ("CheckoutReplicasUnavailable", "warning", "KubeDeploymentReplicasMismatch"),
    ],
)
def test_what_says_less_of_the_same_is_silent(
    alertmanager: Alertmanager, source: str, severity: str, target: str
) -> None:
    place = {**DEPLOYMENT, "cluster": target}  # a cluster for each test: nothing else is in it
    louder = {"alertname": source, "severity": severity, **place}
    said = {"alertname": target, "severity": "warning", **place}

    assert silenced(alertmanager, louder, said) == {target}


def test_of_a_pod_only_what_is_about_that_pod_is_silent(alertmanager: Alertmanager) -> None:
    place = {**DEPLOYMENT, "cluster": "pods"}
    ours = {"alertname": "CheckoutPodCrashLooping", "severity": "warning", "pod": "a", **place}
    theirs = {"cluster": "pods", "namespace": "apps", "severity": "warning"}
    same = {"alertname": "KubePodCrashLooping", "pod": "a", **theirs}
    other = {"alertname": "KubePodNotReady", "pod": "b", **theirs}

    assert silenced(alertmanager, ours, same, other) == {"KubePodCrashLooping"}


def test_a_rollout_of_checkout_silences_no_other_workload(alertmanager: Alertmanager) -> None:
    place = {**DEPLOYMENT, "cluster": "others"}
    ours = {"alertname": "CheckoutBadRollout", "severity": "critical", **place}
    theirs = {"cluster": "others", "namespace": "apps", "severity": "warning"}
    own = {"alertname": "KubePodNotReady", "pod": "checkout-6c9f7d8b5-x2x9q", **theirs}
    worker = {"alertname": "KubePodCrashLooping", "pod": "checkout-worker-x2x9q", **theirs}
    basket = {"alertname": "KubeContainerWaiting", "pod": "basket-6c9f7d8b5-x2x9q", **theirs}
    stuck = {"alertname": "KubeDeploymentRolloutStuck", "deployment": "basket", **theirs}

    assert silenced(alertmanager, ours, own, worker, basket, stuck) == {"KubePodNotReady"}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("KubePersistentVolumeFillingUp", "persistentvolumeclaim"),
        ("NodeFilesystemSpaceFillingUp", "mountpoint"),
        ("NodeFilesystemAlmostOutOfSpace", "instance"),
        ("KubeStatefulSetUpdateNotRolledOut", "statefulset"),
    ],
)
def test_a_worse_level_silences_the_same_thing_only(
    alertmanager: Alertmanager, name: str, label: str
) -> None:
    place = {"alertname": name, "namespace": "apps", "cluster": name}
    worse = {**place, "severity": "critical", label: "a"}
    same = {**place, "severity": "warning", label: "a"}
    other = {**place, "severity": "warning", label: "b"}

    assert silenced(alertmanager, worse, other) == set()
    assert silenced(alertmanager, worse, same) == {name}


def test_what_is_only_worth_knowing_beside_something_worse_is_not_told_alone(
    alertmanager: Alertmanager,
) -> None:
    place = {"cluster": "info", "namespace": "apps"}
    inhibitor = {"alertname": "InfoInhibitor", "severity": "none", **place}
    throttled = {"alertname": "CPUThrottlingHigh", "severity": "info", **place}
    elsewhere = {**throttled, "namespace": "shop"}

    assert silenced(alertmanager, inhibitor, throttled) == {"CPUThrottlingHigh"}
    assert silenced(alertmanager, inhibitor, elsewhere) == set()


def test_a_node_that_is_gone_is_told_once(alertmanager: Alertmanager) -> None:
    ours = {"alertname": "NodeNotReady", "severity": "critical", "cluster": "n", "node": "a"}
    same = {"alertname": "KubeNodeNotReady", "severity": "warning", "cluster": "n", "node": "a"}
    other = {"alertname": "KubeNodeUnreachable", "severity": "warning", "cluster": "n", "node": "b"}

    assert silenced(alertmanager, ours, same, other) == {"KubeNodeNotReady"}


def test_of_one_alert_only_the_worst_level_is_told(alertmanager: Alertmanager) -> None:
    place = {**DEPLOYMENT, "cluster": "levels", "alertname": "Anything"}
    levels = [{**place, "severity": severity} for severity in ("critical", "warning", "info")]

    assert silenced(alertmanager, *levels) == {"Anything"}
    # Two of three: the critical one is not inhibited.
    assert silenced(alertmanager, levels[0]) == set()


def test_alerts_with_a_runbook_of_their_own_never_silence_each_other(
    alertmanager: Alertmanager,
) -> None:
    names = {
        "CheckoutHighErrorRate": "critical",
        "CheckoutInternalErrors": "critical",
        "CheckoutHighLatency": "warning",
        "CheckoutSaturation": "warning",
        "CheckoutAutoscalerAtMaximum": "warning",
        "CheckoutPodCrashLooping": "warning",
        "CheckoutPodNotReady": "warning",
        "CheckoutBadRollout": "critical",
        "CheckoutDown": "critical",
    }
    alerts = [
        {"alertname": name, "severity": severity, **DEPLOYMENT, "cluster": "own"}
        for name, severity in names.items()
    ]

    assert silenced(alertmanager, *alerts) == set()


def test_another_cluster_or_namespace_is_not_silenced(alertmanager: Alertmanager) -> None:
    rollout = {"alertname": "CheckoutBadRollout", "severity": "critical", **DEPLOYMENT}
    stuck = {"alertname": "KubeDeploymentRolloutStuck", "severity": "warning", **DEPLOYMENT}
    here = {**rollout, "cluster": "here"}

    assert silenced(alertmanager, here, {**stuck, "cluster": "there"}) == set()
    assert silenced(alertmanager, here, {**stuck, "cluster": "here", "namespace": "x"}) == set()
