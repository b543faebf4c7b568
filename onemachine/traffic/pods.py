"""Which pods get traffic: the ready ones that the Service selects.

What an EndpointSlice would list; that object refuses loopback addresses, and the pods of the
one-machine stack have no others.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

__all__ = ["ReadyPods", "address_of"]

logger = logging.getLogger(__name__)

_REFRESH_SECONDS = 0.5  # well below the time that a pod goes on serving after it was told to stop
_TIMEOUT_SECONDS = 3


class ReadyPods:
    """Keeps the addresses of the ready pods fresh, in a thread of its own.

    Parameters
    ----------
    kubeconfig : Path
        Whom to ask and as whom.
    namespace, service : str
        Whose pods.
    """

    def __init__(self, kubeconfig: Path, namespace: str, service: str) -> None:
        self._api = client.CoreV1Api(_client(kubeconfig))
        self._namespace = namespace
        self._service = service
        self._stopped = threading.Event()
        self._complaint = ""
        self._turn = 0
        self._addresses: tuple[str, ...] = ()
        self._thread = threading.Thread(target=self._run, name="pods", daemon=True)

    def __len__(self) -> int:
        """How many pods are ready."""
        return len(self._addresses)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()

    def take(self) -> str | None:
        """Give ``host:port`` of the pod whose turn it is; None where none is ready."""
        addresses = self._addresses
        if not addresses:
            return None
        self._turn += 1
        return addresses[self._turn % len(addresses)]

    def refresh(self) -> None:
        """Ask once. Where nobody answers, what was known stays."""
        try:
            service: Any = self._api.read_namespaced_service(
                self._service, self._namespace, _request_timeout=_TIMEOUT_SECONDS
            )
            pods = self._api.list_namespaced_pod(
                self._namespace,
                label_selector=",".join(f"{k}={v}" for k, v in service.spec.selector.items()),
                _request_timeout=_TIMEOUT_SECONDS,
            )
        except (ApiException, HTTPError, OSError) as error:
            self._complain(f"{type(error).__name__}: {getattr(error, 'reason', None) or error}")
            return
        target = service.spec.ports[0].target_port
        found = (address_of(pod, target) for pod in pods.items)
        self._addresses = tuple(sorted(each for each in found if each is not None))
        self._complaint = ""

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:  # an outage is one line, not two a second
            self._complaint = complaint
            logger.warning(
                "pods of %s/%s cannot be listed, the last known ones are used: %s",
                self._namespace,
                self._service,
                complaint,
            )

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.refresh()
            self._stopped.wait(_REFRESH_SECONDS)


def _client(kubeconfig: Path) -> client.ApiClient:
    settings = client.Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call] # the client has no types here
        str(kubeconfig), client_configuration=settings
    )
    return client.ApiClient(settings)


def address_of(pod: Any, target_port: int | str) -> str | None:
    """Give ``host:port`` of a pod, or None where it is not to get traffic.

    Parameters
    ----------
    pod : kubernetes.client.V1Pod
        The pod.
    target_port : int or str
        The Service's; a name is looked up in the pod's containers.
    """
    conditions = {each.type: each.status for each in pod.status.conditions or []}
    if (
        conditions.get("Ready") != "True"
        or pod.metadata.deletion_timestamp is not None
        or not pod.status.pod_ip
    ):
        return None
    named = {
        port.name: port.container_port
        for container in pod.spec.containers
        for port in container.ports or []
    }
    port = named.get(target_port) if isinstance(target_port, str) else target_port
    return None if port is None else f"{pod.status.pod_ip}:{port}"
