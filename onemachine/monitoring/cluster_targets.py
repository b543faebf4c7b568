"""What Prometheus scrapes of the cluster itself, labelled as kube-prometheus-stack does it.

Its rules select by ``job``, and what it says of a node carries the namespace and the pod of whoever
said it: an alert on a node comes with the labels of kube-state-metrics' own pod. Here, too.
"""

from __future__ import annotations

from typing import Any

from onemachine.monitoring.durations import format_duration
from onemachine.monitoring.pace import Pace

__all__ = ["cluster_targets"]

# Half as often as pods: one answer tells of the whole cluster, and this machine pays for each.
_SCRAPES_OF_A_POD = 2
_MAX_TIMEOUT_MS = 10_000
_KUBE_STATE_METRICS = {
    "namespace": "monitoring",
    "service": "kube-prometheus-stack-kube-state-metrics",
    "pod": "kube-prometheus-stack-kube-state-metrics-0",
    "container": "kube-state-metrics",
    "endpoint": "http",
}
_KUBELET = {
    "namespace": "kube-system",
    "service": "kube-prometheus-stack-kubelet",
    "endpoint": "https-metrics",
}


def cluster_targets(kube_state_metrics: str, kubelet: str, pace: Pace) -> list[dict[str, Any]]:
    """Give the scrape configurations of those that there are.

    Parameters
    ----------
    kube_state_metrics, kubelet : str
        ``host:port`` of each; empty where there is none.
    pace : Pace
        What the interval is divided by.
    """
    found = (
        ("kube-state-metrics", kube_state_metrics, "/metrics", _KUBE_STATE_METRICS),
        ("kubelet", kubelet, "/metrics", _KUBELET),
        ("kubelet", kubelet, "/metrics/cadvisor", _KUBELET),
    )
    interval_ms = _SCRAPES_OF_A_POD * pace.scrape_seconds * 1000
    return [
        {
            "job_name": f"{job}{path.removeprefix('/metrics')}",
            "metrics_path": path,
            "scrape_interval": format_duration(interval_ms),
            "scrape_timeout": format_duration(min(interval_ms, _MAX_TIMEOUT_MS)),
            # The namespace and pod of a metric are those that it is about.
            "honor_labels": True,
            "static_configs": [{"targets": [address], "labels": _labels(job, path, labels)}],
        }
        for job, address, path, labels in found
        if address
    ]


def _labels(job: str, path: str, labels: dict[str, str]) -> dict[str, str]:
    """Give a target's labels: of the kubelet's two pages the chart keeps apart which one it is."""
    page = {"metrics_path": path} if job == "kubelet" else {}
    return {"job": job, **labels, **page}
