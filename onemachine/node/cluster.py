"""The API server as the agent sees it: few calls, plain JSON objects, one kind of error.

Pod specs are passed on as the JSON the server sent: the agent reads a few of some hundred
fields, and the status it writes must carry explicit nulls, which typed models drop.
"""

import ipaddress
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.config import ConfigException, load_kube_config
from kubernetes.watch.watch import iter_resp_lines

from onemachine.node.errors import ApiError, SettingsError

Json = dict[str, Any]

_CONNECT_SECONDS = 3.0
_READ_SECONDS = 20.0
_WATCH_SECONDS = 240
STRATEGIC_MERGE = "application/strategic-merge-patch+json"


def _require_loopback(server: str) -> None:
    host = urlsplit(server).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        raise SettingsError(
            f"the API server {server} is not on a loopback address: the node agent runs pod "
            "commands as local processes and serves the one-machine stack only"
        )


class Cluster:
    """Client of one API server, safe to share between threads.

    Parameters
    ----------
    kubeconfig : Path
        Whom to talk to and as whom.

    Raises
    ------
    SettingsError
        If the kubeconfig cannot be used or names a server that is not on loopback.
    """

    def __init__(self, kubeconfig: Path) -> None:
        configuration = Configuration()
        try:
            load_kube_config(  # type: ignore[no-untyped-call]  # the client has no types here
                str(kubeconfig), client_configuration=configuration
            )
        except (ConfigException, OSError) as error:
            raise SettingsError(f"kubeconfig {kubeconfig} cannot be used: {error}") from error
        _require_loopback(configuration.host)
        configuration.connection_pool_maxsize = 32
        configuration.proxy = None  # loopback is never behind a proxy
        self._host = configuration.host
        #: PEM files of who is believed and of who this is; empty where a token says that.
        self.certificates: tuple[str, ...] = tuple(
            filter(
                None, (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
            )
        )
        self._client = ApiClient(configuration)
        self._watch_response: Any = None
        self._watch_lock = threading.Lock()
        self._closed = False

    def _request(
        self, method: str, path: str, body: Json | None = None, content_type: str | None = None
    ) -> Any:
        headers = {"Accept": "application/json", "Content-Type": content_type or "application/json"}
        try:
            response = self._client.call_api(
                method,
                self._host + path,
                headers,
                body,
                _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            )
            raw = response.response.data
        except ApiException as error:
            raise ApiError(int(error.status or 0), f"{method} {path}: {error.reason}") from error
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, f"{method} {path}: no answer: {error}") from error
        content = json.loads(raw) if raw else {}
        if response.status >= 400:
            detail = content.get("message") if isinstance(content, dict) else None
            raise ApiError(response.status, f"{method} {path}: {detail or response.reason}")
        return content

    # -- pods -----------------------------------------------------------------------------

    def list_pods(self) -> tuple[list[Json], str]:
        """Return all bound pods and the resource version to watch from."""
        query = urlencode({"fieldSelector": "spec.nodeName!="})
        answer = self._request("GET", f"/api/v1/pods?{query}")
        return answer["items"], answer["metadata"]["resourceVersion"]

    def watch_pods(self, resource_version: str) -> Iterator[Json]:
        """Yield watch events of bound pods until the server or :meth:`close` ends the watch.

        Raises
        ------
        ApiError
            Status 410 when the version is too old: list again.
        """
        query = urlencode(
            {
                "fieldSelector": "spec.nodeName!=",
                "watch": "1",
                "resourceVersion": resource_version,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": _WATCH_SECONDS,
            }
        )
        path = f"/api/v1/pods?{query}"
        try:
            response = self._client.call_api(
                "GET",
                self._host + path,
                {"Accept": "application/json"},
                _request_timeout=(_CONNECT_SECONDS, _WATCH_SECONDS + _READ_SECONDS),
            ).response
            with self._watch_lock:
                self._watch_response = response
                if self._closed:
                    return
            if response.status >= 400:
                raise ApiError(response.status, f"GET {path}: {response.reason}")
            lines: Iterator[str] = iter_resp_lines(response)  # type: ignore[no-untyped-call]  # idem
            for line in lines:
                if not line:
                    continue
                event = json.loads(line)
                if event["type"] == "ERROR":
                    failure = event["object"]
                    raise ApiError(failure.get("code", 0), f"watch: {failure.get('message')}")
                yield event
        except ApiException as error:
            raise ApiError(int(error.status or 0), f"GET {path}: {error.reason}") from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ApiError(0, f"watch broke: {error}") from error
        finally:
            with self._watch_lock:
                response, self._watch_response = self._watch_response, None
            if response is not None:
                response.close()

    def close(self) -> None:
        """End a watch that is under way; the next one ends at once."""
        with self._watch_lock:
            self._closed = True
            if self._watch_response is not None:
                self._watch_response.shutdown()

    def patch_pod_status(self, namespace: str, name: str, uid: str, status: Json) -> Json:
        """Merge a status into a pod; refused with 409 if the name now has another uid."""
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}/status"
        body = {"metadata": {"uid": uid}, "status": status}
        answer: Json = self._request("PATCH", path, body, STRATEGIC_MERGE)
        return answer

    def remove_pod(self, namespace: str, name: str, uid: str) -> None:
        """Delete a pod whose processes are gone; no error if it is gone already."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": uid},
        }
        try:
            self._request(
                "DELETE", f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}", body
            )
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    # -- what a pod refers to ---------------------------------------------------------------

    def get(self, kind: str, namespace: str, name: str) -> Json:
        """Read one namespaced object of the core group; *kind* is its plural path name."""
        answer: Json = self._request(
            "GET", f"/api/v1/namespaces/{quote(namespace)}/{kind}/{quote(name)}"
        )
        return answer

    def service_account_token(
        self, namespace: str, name: str, audience: str, seconds: int, pod: tuple[str, str]
    ) -> str:
        """Request a token bound to a pod, given by its name and uid."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [audience],
                "expirationSeconds": seconds,
                "boundObjectRef": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": pod[0],
                    "uid": pod[1],
                },
            },
        }
        path = f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts/{quote(name)}/token"
        return str(self._request("POST", path, body)["status"]["token"])

    def create_event(self, namespace: str, event: Json) -> Json:
        """Create an Event object."""
        answer: Json = self._request("POST", f"/api/v1/namespaces/{quote(namespace)}/events", event)
        return answer

    def patch_event(self, namespace: str, name: str, change: Json) -> None:
        """Merge a change into an Event object."""
        path = f"/api/v1/namespaces/{quote(namespace)}/events/{quote(name)}"
        self._request("PATCH", path, change, STRATEGIC_MERGE)

    # -- volumes ------------------------------------------------------------------------------

    def patch_volume(self, name: str, spec: Json) -> None:
        """Merge a change into the spec of a PersistentVolume."""
        path = f"/api/v1/persistentvolumes/{quote(name)}"
        self._request("PATCH", path, {"spec": spec}, STRATEGIC_MERGE)

    def patch_claim_status(self, namespace: str, name: str, status: Json) -> None:
        """Merge a change into the status of a PersistentVolumeClaim."""
        path = f"/api/v1/namespaces/{quote(namespace)}/persistentvolumeclaims/{quote(name)}/status"
        self._request("PATCH", path, {"status": status}, STRATEGIC_MERGE)

    # -- nodes --------------------------------------------------------------------------------

    def create_node(self, node: Json) -> bool:
        """Create a Node; return False if it was there already."""
        try:
            self._request("POST", "/api/v1/nodes", node)
        except ApiError as error:
            if error.status == 409:
                return False
            raise
        return True

    def patch_node_status(self, name: str, status: Json) -> None:
        """Merge a status into a Node."""
        path = f"/api/v1/nodes/{quote(name)}/status"
        self._request("PATCH", path, {"status": status}, STRATEGIC_MERGE)

    def renew_lease(self, name: str, seconds: int, now: str) -> None:
        """Renew, or create, the lease that tells the control plane a node is alive."""
        base = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        spec = {"holderIdentity": name, "leaseDurationSeconds": seconds, "renewTime": now}
        try:
            self._request("PATCH", f"{base}/{quote(name)}", {"spec": spec}, STRATEGIC_MERGE)
        except ApiError as error:
            if error.status != 404:
                raise
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": name, "namespace": "kube-node-lease"},
                "spec": spec,
            }
            self._request("POST", base, lease)
