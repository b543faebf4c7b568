"""The cluster of a running stack, as its administrator sees it."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onemachine.kubernetes.api import ApiClient
from onemachine.kubernetes.pki import KeyPair
from onemachine.stack.state import StackState


def admin_of(state: StackState) -> ApiClient:
    """Give a client with the administrator's key, which lies beside the kubeconfig."""
    pki = Path(state.endpoints["kubeconfig"]).parent / "pki"
    return ApiClient(
        state.endpoints["kubernetes_url"],
        pki / "kubernetes-ca.crt",
        KeyPair(pki / "admin.crt", pki / "admin.key"),
    )


def read(api: ApiClient, path: str) -> Mapping[str, Any]:
    """Read an object or a list.

    Raises
    ------
    OSError
        Kubernetes does not answer, or not with it.
    """
    answer = api.call("GET", path)
    if answer.status != http.client.OK:
        raise OSError(f"Kubernetes answered GET {path} with {answer.status}")
    body: Mapping[str, Any] = answer.body
    return body
