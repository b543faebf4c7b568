"""Which pods get traffic: the ready ones that the Service selects.

What an EndpointSlice would list; that object refuses loopback addresses, and the pods of the
one-machine stack have no others.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

__all__ = ["ReadyPods", "address_of"]

logger = logging.getLogger(__name__)

_REFRESH_SECONDS = 0.5  # well below the time that a pod goes on serving after it was told to stop
_SERVICE_SECONDS = 5.0  # what it selects changes with the manifests only
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
        self._api: Any = client.CoreV1Api(_client(kubeconfig))
        self._namespace = namespace
        self._service = service
        self._stopped = threading.Event()
        self._complaint = ""
        self._turn = 0
        self._addresses: tuple[str, ...] = ()
        self._spec: dict[str, Any] = {}
        self._spec_until = 0.0
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
            spec = self._service_spec()
            # As text: to make objects of it takes longer than all else that this process does.
            pods = self._api.list_namespaced_pod(
                self._namespace,
                label_selector=",".join(f"{k}={v}" for k, v in spec["selector"].items()),
                _request_timeout=_TIMEOUT_SECONDS,
                _preload_content=False,
            )
        except (ApiException, HTTPError, OSError) as error:
            self._complain(f"{type(error).__name__}: {getattr(error, 'reason', None) or error}")
            return
        target = spec["ports"][0]["targetPort"]
        found = (address_of(pod, target) for pod in json.loads(pods.data)["items"])
        self._addresses = tuple(sorted(each for each in found if each is not None))
        self._complaint = ""

    def _service_spec(self) -> dict[str, Any]:
        if time.monotonic() >= self._spec_until:
            service = self._api.read_namespaced_service(
                self._service,
                self._namespace,
                _request_timeout=_TIMEOUT_SECONDS,
                _preload_content=False,
            )
            self._spec = json.loads(service.data)["spec"]
            self._spec_until = time.monotonic() + _SERVICE_SECONDS
        return self._spec

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


def address_of(pod: Mapping[str, Any], target_port: int | str) -> str | None:
    """Give ``host:port`` of a pod, or None where it is not to get traffic.

    Parameters
    ----------
    pod : mapping
        The pod, as the API server gives it.
    target_port : int or str
        The Service's; a name is looked up in the pod's containers.
    """
    status = pod["status"]
    conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
    address = status.get("podIP")
    leaving = "deletionTimestamp" in pod["metadata"]
    if conditions.get("Ready") != "True" or leaving or not address:
        return None
    named = {
        port.get("name"): port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
    }
    port = named.get(target_port) if isinstance(target_port, str) else target_port
    return None if port is None else f"{address}:{port}"
