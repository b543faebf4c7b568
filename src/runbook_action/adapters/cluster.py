"""The Kubernetes API, by its paths and in plain JSON.

The official client's generated classes load hundreds of modules, which costs a cold start about a
second, and drop fields they do not know; the paths are as stable as the API versions in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import urllib3

from runbook_action.adapters.eks import Endpoint
from runbook_action.adapters.transport import Transport
from runbook_action.errors import (
    AccessDenied,
    ClusterConflict,
    ClusterRejected,
    ClusterThrottled,
    ClusterUnreachable,
    NamespaceEnding,
    RunbookActionError,
    TargetNotFound,
)
from runbook_action.kinds import KINDS, KindWord
from runbook_action.objects import KubernetesObject, Pod, view
from runbook_action.ports import Cluster, Right, T
from runbook_action.reverted import FIELD_MANAGER

TIMEOUT_SECONDS = (3.0, 10.0)  # connect, read
MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
_PAGE = 500
_BUDGET = "DisruptionBudget"
_ENDING = "NamespaceTerminating"
_EVICTION = "/eviction"
# The policy (eks/apps/base/remediation-policy.yaml) lets us change no label, so this one never.
_POLICY = "'sre-remediation-fields'"
_NO_LABEL_OF_OURS = "sre-platform-inspection"


class Access(Protocol):
    """How to reach a cluster and who to be there (``EksClusters`` in production)."""

    def endpoint(self, name: str) -> Endpoint:
        """Address and CA of a cluster."""

    def token(self, name: str) -> str:
        """Bearer token for a cluster."""

    def forget(self, name: str) -> None:
        """Drop what is cached about a cluster."""

    def forget_credentials(self, name: str, refused: str) -> None:
        """Drop the cached token and session, unless it is another token by now."""


class KubernetesCluster(Cluster):
    """One cluster's API.

    Parameters
    ----------
    access
        Gives endpoint, CA and token.
    name
        Name of the EKS cluster.
    """

    def __init__(self, access: Access, name: str) -> None:
        self._access = access
        self._name = name
        self._transport: Transport | None = None

    def allows(self, namespace: str, right: Right) -> bool:
        """Ask whether we have a right in a namespace. Changes nothing."""
        review = self._request(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            body={
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {
                    "resourceAttributes": {
                        "namespace": namespace,
                        "group": right.group,
                        "resource": right.resource,
                        "verb": right.verb,
                    }
                },
            },
        )
        return (review.get("status") or {}).get("allowed") is True

    def is_held(self, current: KubernetesObject) -> bool:
        """Try on an object what the admission policy must refuse us, as a dry run."""
        path = _path(current.kind, current.namespace, current.name)
        query = {"fieldManager": FIELD_MANAGER, "dryRun": "All"}
        patch = {"metadata": {"labels": {_NO_LABEL_OF_OURS: "refused"}}}
        try:
            self._request("PATCH", path, query, body=patch, content_type=MERGE_PATCH)
        except AccessDenied as error:
            if _POLICY in str(error):
                return True
            raise
        return False

    def read(self, kind: KindWord, namespace: str, name: str) -> KubernetesObject:
        """Read an object, as its view."""
        return view(kind, self._request("GET", _path(kind, namespace, name)))

    def list(
        self, kind: KindWord, namespace: str, selector: str = "", fields: str = ""
    ) -> Sequence[KubernetesObject]:
        """List the objects of a kind that a label and a field selector match, page by page."""
        query = {"labelSelector": selector, "fieldSelector": fields, "limit": str(_PAGE)}
        items: list[KubernetesObject] = []
        token = ""
        while True:
            page = self._request("GET", _path(kind, namespace), {**query, "continue": token})
            items.extend(view(kind, item) for item in page.get("items") or [])
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return items

    def patch(self, current: T, patch: Mapping[str, Any]) -> T:
        """Merge a patch into exactly the version that was read; else ClusterConflict."""
        metadata = {**patch.get("metadata", {}), "resourceVersion": current.resource_version}
        return self._patched(current, {**patch, "metadata": metadata}, MERGE_PATCH)

    def replace(self, current: T, values: Mapping[str, Any]) -> T:
        """Put whole values at JSON pointers of exactly the version that was read."""
        versioned = {"/metadata/resourceVersion": current.resource_version, **values}
        # "add" replaces what is there, and also works where nothing is.
        patch = [{"op": "add", "path": path, "value": value} for path, value in versioned.items()]
        return self._patched(current, patch, JSON_PATCH)

    def create(self, kind: KindWord, namespace: str, body: Mapping[str, Any]) -> KubernetesObject:
        """Make an object; ClusterConflict if there is one of that name already."""
        known = KINDS[kind]
        named = {"apiVersion": known.api_version, "kind": known.kind, **body}
        query = {"fieldManager": FIELD_MANAGER}
        return view(kind, self._request("POST", _path(kind, namespace), query, body=named))

    def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Write an Event; ClusterConflict if there is one of that name already."""
        path = f"/apis/events.k8s.io/v1/namespaces/{_quoted(namespace)}/events"
        self._request("POST", path, body=event)

    def tail(
        self, namespace: str, pod: str, container: str, *, previous: bool, lines: int, most: int
    ) -> str:
        """Read the end of a container's log; see ``evidence.ports.Logs``."""
        path = f"/api/v1/namespaces/{_quoted(namespace)}/pods/{_quoted(pod)}/log"
        query = {
            "container": container,
            "previous": "true" if previous else "",
            "tailLines": str(lines),
            "limitBytes": str(most),
            "timestamps": "true",
        }
        return self._answer("GET", path, query).decode("utf-8", "replace")

    def evict(self, pod: Pod, grace_period_seconds: int | None) -> None:
        """Ask for the eviction of exactly this pod."""
        options: dict[str, Any] = {"preconditions": {"uid": pod.uid}}
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        self._request(
            "POST",
            f"/api/v1/namespaces/{_quoted(pod.namespace)}/pods/{_quoted(pod.name)}" + _EVICTION,
            body={
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": pod.name, "namespace": pod.namespace},
                "deleteOptions": options,
            },
        )

    def proxied(
        self,
        namespace: str,
        service: str,
        path: str,
        query: Sequence[tuple[str, str]],
        most_bytes: int,
        seconds: float,
    ) -> tuple[int, bytes]:
        """Send a GET to a Service through the API server; gives status and body.

        Parameters
        ----------
        service
            ``NAME:PORT`` or ``SCHEME:NAME:PORT``.
        most_bytes
            No more than one byte beyond it is read.

        Raises
        ------
        ClusterUnreachable
            The API server did not answer. What stands behind it may not have either: that is an
            answer of the API server's (503).
        """
        where = f"/api/v1/namespaces/{_quoted(namespace)}/services/{quote(service, safe=':')}/proxy"
        token = self._access.token(self._name)
        answer = self._opened("GET", where + path, query, None, _JSON, token, seconds)
        if answer[0] == 401:
            answer[1].close()
            self._access.forget_credentials(self._name, token)
            token = self._access.token(self._name)
            answer = self._opened("GET", where + path, query, None, _JSON, token, seconds)
        status, body = answer
        try:
            return status, body.read(most_bytes + 1, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnreachable(
                f"cluster {self._name} broke off its answer to GET {where} ({error})"
            ) from error
        finally:
            body.close()

    def _patched(self, current: T, patch: object, content_type: str) -> T:
        path = _path(current.kind, current.namespace, current.name)
        query = {"fieldManager": FIELD_MANAGER}
        answer = self._request("PATCH", path, query, body=patch, content_type=content_type)
        return type(current)(answer)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        text = self._answer(method, path, query, body, content_type)
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise ClusterUnreachable(
                f"cluster {self._name} answered {method} {path} with something that is not JSON: "
                f"is there a proxy in between?"
            ) from error
        return answer if isinstance(answer, dict) else {}

    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> bytes:
        token = self._access.token(self._name)
        status, text = self._send(method, path, query, body, content_type, token)
        if status == 401:
            # The one fault that new credentials may mend: a session revoked, an access entry
            # made a moment ago. Once, or a wrong role would loop.
            self._access.forget_credentials(self._name, token)
            token = self._access.token(self._name)
            status, text = self._send(method, path, query, body, content_type, token)
        if not 200 <= status < 300:
            what = f"{method} {path} in cluster {self._name}"
            error = _error(status, what, _said(text), evicting=path.endswith(_EVICTION))
            if isinstance(error, ClusterUnreachable):
                self._access.forget(self._name)
            raise error
        return text

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: object,
        content_type: str,
        token: str,
    ) -> tuple[int, bytes]:
        pairs = list((query or {}).items())
        status, response = self._opened(method, path, pairs, body, content_type, token)
        try:
            return status, response.data
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._no_answer(method, path, error) from error

    def _no_answer(self, method: str, path: str, error: Exception) -> ClusterUnreachable:
        # The endpoint or its CA may have changed since it was cached.
        self._access.forget(self._name)
        return ClusterUnreachable(
            f"no answer from cluster {self._name} to {method} {path} "
            f"({type(error).__name__}: {error}). Check that the function's subnets and "
            f"security group reach the cluster's endpoint."
        )

    def _opened(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        body: object,
        content_type: str,
        token: str,
        seconds: float | None = None,
    ) -> tuple[int, urllib3.BaseHTTPResponse]:
        """Send a request, and give status and response, whose body nobody has read yet."""
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "User-Agent": FIELD_MANAGER,
        }
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            response = self._connected().send(
                method,
                path,
                [(key, value) for key, value in query if value],
                headers,
                body,
                (TIMEOUT_SECONDS[0], seconds or TIMEOUT_SECONDS[1]),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._no_answer(method, path, error) from error
        return response.status, response

    def _connected(self) -> Transport:
        endpoint = self._access.endpoint(self._name)
        transport = self._transport  # one look: other threads may put another one there
        if transport is None or transport.endpoint != endpoint:
            transport = self._transport = Transport(endpoint)
        return transport


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _path(kind: KindWord, namespace: str, name: str = "") -> str:
    known = KINDS[kind]
    within = f"/namespaces/{_quoted(namespace)}" if known.namespaced and namespace else ""
    return f"{known.root}{within}/{known.resource}" + (f"/{_quoted(name)}" if name else "")


def _said(text: bytes) -> Mapping[str, Any]:
    """The Status object of an answer, or an empty one: anything else may be a proxy's page."""
    try:
        status = json.loads(text)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _causes(said: Mapping[str, Any], reason: str) -> list[Mapping[str, Any]]:
    causes = (said.get("details") or {}).get("causes") or []
    return [each for each in causes if each.get("reason") == reason]


_CHECK = "Check the RBAC and the policy in eks/apps."
# Kubernetes says so of what belongs to no namespace: nodes, storage classes.
_WIDE = (
    "Runbooks on nodes and volumes need a ClusterRole that is installed apart: "
    "kubectl apply -k eks/apps/node-remediation"
)


def _error(
    status: int, what: str, answer: Mapping[str, Any], *, evicting: bool
) -> RunbookActionError:
    # A Status object says more than the code, and only its causes name the budget of a refused
    # eviction.
    budgets = [str(each.get("message")) for each in _causes(answer, _BUDGET)]
    message = " ".join([str(answer.get("message") or "no explanation given")[:500], *budgets])
    said = f"{what}: {status}, {message}"
    if status == 401:
        return AccessDenied(
            f"{said}. The cluster does not know the role: it needs an EKS access entry with the "
            f"Kubernetes group of the shipped RBAC."
        )
    if status == 403 and _causes(answer, _ENDING):
        return NamespaceEnding(f"{said}. Nothing is made or evicted in it any more.")
    if status == 403:
        return AccessDenied(f"{said}. {_WIDE if 'at the cluster scope' in said else _CHECK}")
    if status == 404:
        return TargetNotFound(said)
    if status == 409:
        return ClusterConflict(f"{said}. The next attempt starts from the object as it is now.")
    if status == 429:
        return ClusterThrottled(said)
    if evicting and status == 500 and answer.get("kind") == "Status" and not answer.get("reason"):
        # Two budgets select one pod: kubernetes/pkg/registry/core/pod/storage/eviction.go makes
        # this answer by hand, whereas every other fault of the server has a reason.
        return ClusterRejected(f"{said} Merge its disruption budgets into one.")
    if status >= 500:
        return ClusterUnreachable(said)
    return ClusterRejected(said)
