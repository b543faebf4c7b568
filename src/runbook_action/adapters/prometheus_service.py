"""A Prometheus in the cluster, through the Kubernetes API's proxy for Services.

It takes the way of every remediation (the role, its token, the API server), so nothing has to be
opened for it, and one right: ``get`` on ``services/proxy`` of this one Service.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.adapters.cluster import KubernetesCluster
from runbook_action.errors import RunbookActionError
from runbook_action.prometheus.port import Unanswered


class ServiceProxy:
    """One Service.

    Parameters
    ----------
    cluster
        Where it is.
    service
        Namespace, and name with port.
    """

    def __init__(self, cluster: KubernetesCluster, service: tuple[str, str]) -> None:
        self._cluster = cluster
        self._namespace, self._name = service

    @property
    def place(self) -> str:
        """Where it leads, for people."""
        return f"Service {self._namespace}/{self._name}"

    def get(
        self, path: str, query: Sequence[tuple[str, str]], most_bytes: int, seconds: float
    ) -> tuple[int, bytes]:
        """Send a GET, and give status and body; see ``port.Transport``."""
        try:
            status, body = self._cluster.proxied(
                self._namespace, self._name, path, query, most_bytes, seconds
            )
        except RunbookActionError as error:
            raise Unanswered(f"{self.place}: {error}") from error
        if len(body) > most_bytes:
            raise Unanswered(f"{self.place} answered more than {most_bytes} bytes")
        return status, body
