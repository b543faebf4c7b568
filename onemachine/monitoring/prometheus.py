"""Prometheus of the one-machine stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from onemachine.monitoring.cluster_targets import cluster_targets
from onemachine.monitoring.durations import format_duration
from onemachine.monitoring.pace import REALISTIC, Pace
from onemachine.monitoring.readiness import HOST, Monitor
from onemachine.monitoring.rules import SHIPPED_RULES, rule_file

__all__ = ["Prometheus"]

_MAX_SCRAPE_TIMEOUT_MS = 10_000
_SERVICE_LABEL = "__meta_kubernetes_pod_label_app_kubernetes_io_name"


@dataclass(frozen=True)
class Prometheus(Monitor):
    """One Prometheus that finds the pods of a namespace through the Kubernetes API.

    Pods, not EndpointSlices as in production: an EndpointSlice refuses loopback addresses, and
    pods of this stack have no others. The labels are those that the ServiceMonitor gives.

    Parameters
    ----------
    bin_folder : Path
        Folder with ``prometheus``.
    state_dir : Path
        Folder for configuration and data.
    port : int
        Port on 127.0.0.1.
    kubeconfig : Path
        Whom to ask for pods and as whom; needs to list and watch pods.
    alertmanager : str
        ``host:port`` to send alerts to.
    pace : Pace
        How fast to scrape and evaluate.
    cluster : str
        External label ``cluster``, by which the platform knows where an alert comes from.
    namespace : str
        Namespace whose pods are scraped.
    rules : tuple of Path
        PrometheusRule manifests.
    kube_state_metrics : str
        ``host:port`` of a kube-state-metrics; empty: there is none.
    kubelet : str
        ``host:port`` at which the node agent tells what a kubelet would; empty: it does not.
    """

    bin_folder: Path
    state_dir: Path
    port: int
    kubeconfig: Path
    alertmanager: str
    pace: Pace = REALISTIC
    cluster: str = "sre-platform"
    namespace: str = "apps"
    rules: tuple[Path, ...] = SHIPPED_RULES
    kube_state_metrics: str = ""
    kubelet: str = ""

    name = "prometheus"

    @property
    def url(self) -> str:
        """Where people and tests find it."""
        return f"http://{HOST}:{self.port}"

    @property
    def config_file(self) -> Path:
        """Written by :meth:`prepare`."""
        return self.state_dir / "prometheus.yaml"

    def prepare(self) -> None:
        """Write configuration and rules; starts nothing.

        Raises
        ------
        ValueError
            The rules cannot be used.
        """
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._rule_file.write_text(rule_file(self.rules, self.pace), "utf-8")
        self.config_file.write_text(yaml.safe_dump(self.config(), sort_keys=False), "utf-8")

    def config(self) -> dict[str, Any]:
        """Give the configuration."""
        scrape_ms = self.pace.scrape_seconds * 1000
        return {
            "global": {
                "scrape_interval": format_duration(scrape_ms),
                "scrape_timeout": format_duration(min(scrape_ms, _MAX_SCRAPE_TIMEOUT_MS)),
                "evaluation_interval": format_duration(self.pace.evaluation_seconds * 1000),
                "external_labels": {"cluster": self.cluster},
            },
            "rule_files": [str(self._rule_file)],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self.alertmanager]}]}]},
            "scrape_configs": [
                {
                    "job_name": "pods",
                    "kubernetes_sd_configs": [
                        {
                            "role": "pod",
                            "kubeconfig_file": str(self.kubeconfig),
                            "namespaces": {"names": [self.namespace]},
                        }
                    ],
                    "relabel_configs": _relabelling(),
                },
                *cluster_targets(self.kube_state_metrics, self.kubelet, self.pace),
            ],
        }

    def command(self) -> tuple[str, ...]:
        """Give the command line."""
        return (
            str(self.bin_folder / "prometheus"),
            f"--config.file={self.config_file}",
            f"--storage.tsdb.path={self.state_dir / 'data'}",
            "--storage.tsdb.retention.time=15d",
            f"--web.listen-address={HOST}:{self.port}",
            f"--web.external-url={self.url}",
            "--log.level=warn",
        )

    @property
    def _rule_file(self) -> Path:
        return self.state_dir / "rules.yaml"


def _relabelling() -> list[dict[str, Any]]:
    def keep(source: str, regex: str) -> dict[str, Any]:
        return {"action": "keep", "source_labels": [source], "regex": regex}

    def copy(source: str, target: str) -> dict[str, Any]:
        return {"source_labels": [source], "target_label": target}

    return [
        # The rules of the ServiceMonitor: a port named http, of a pod that belongs to a service.
        keep("__meta_kubernetes_pod_container_port_name", "http"),
        keep(_SERVICE_LABEL, ".+"),
        # An unready pod gets no traffic, and a starting one's refused scrapes look like trouble.
        keep("__meta_kubernetes_pod_ready", "true"),
        copy(_SERVICE_LABEL, "job"),
        copy(_SERVICE_LABEL, "service"),
        copy("__meta_kubernetes_namespace", "namespace"),
        copy("__meta_kubernetes_pod_name", "pod"),
        copy("__meta_kubernetes_pod_container_name", "container"),
        copy("__meta_kubernetes_pod_container_port_name", "endpoint"),
    ]
