"""kube-state-metrics: on loopback only, and for what the rules are about."""

from __future__ import annotations

from pathlib import Path

from onemachine.kubernetes.identities import KUBE_STATE_METRICS_USER, cluster_roles
from onemachine.monitoring import KubeStateMetrics
from onemachine.monitoring.kube_state_metrics import RESOURCES


def test_it_listens_on_loopback_only() -> None:
    command = KubeStateMetrics(Path("/bin"), 8080, 8081, Path("/config")).command()
    assert "--host=127.0.0.1" in command
    assert "--telemetry-host=127.0.0.1" in command


def test_it_may_list_and_watch_exactly_what_it_is_started_for() -> None:
    (role,) = (
        document
        for _, document in cluster_roles()
        if document["kind"] == "ClusterRole"
        and document["metadata"]["name"] == KUBE_STATE_METRICS_USER
    )
    allowed = {name for rule in role["rules"] for name in rule["resources"]}
    assert allowed == set(RESOURCES)
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list", "watch"}
