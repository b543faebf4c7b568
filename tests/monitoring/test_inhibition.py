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
        ("CheckoutPodCrashLooping", "warning", "KubePodCrashLooping"),
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
        "CheckoutHighLatency": "warning",
        "CheckoutSaturation": "warning",
        "CheckoutPodCrashLooping": "warning",
        "CheckoutReplicasUnavailable": "warning",
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
