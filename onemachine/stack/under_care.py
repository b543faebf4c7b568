"""The service under care on a running stack, as its Kubernetes has it."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from onemachine.kubernetes.api import ApiClient
from onemachine.stack.cluster_admin import admin_of, read
from onemachine.stack.state import StackState

__all__ = ["CareView", "Pod"]


@dataclass(frozen=True)
class Pod:
    """One pod of the service under care."""

    name: str
    uid: str
    address: str
    ready: bool


@dataclass(frozen=True)
class CareView:
    """Reads the Deployment under care and its pods, as the cluster's administrator.

    Parameters
    ----------
    state : StackState
        Where the API server is, and what is under care.
    """

    state: StackState

    def deployment(self) -> Mapping[str, Any]:
        """Give the Deployment under care.

        Raises
        ------
        OSError
            Kubernetes does not answer, or not with it.
        """
        settings = self.state.settings
        return self._get(
            f"/apis/apps/v1/namespaces/{settings['namespace']}/deployments/{settings['deployment']}"
        )

    def pods(self) -> list[Pod]:
        """Give the pods under care that are not on their way out.

        Raises
        ------
        OSError
            Kubernetes does not answer, or not with them.
        """
        settings = self.state.settings
        selector = urllib.parse.quote(f"app.kubernetes.io/name={settings['deployment']}")
        answer = self._get(
            f"/api/v1/namespaces/{settings['namespace']}/pods?labelSelector={selector}"
        )
        return [
            Pod(
                item["metadata"]["name"],
                item["metadata"]["uid"],
                item.get("status", {}).get("podIP", ""),
                _is_ready(item),
            )
            for item in answer["items"]
            if "deletionTimestamp" not in item["metadata"]
        ]

    @cached_property
    def _api(self) -> ApiClient:
        return admin_of(self.state)

    def _get(self, path: str) -> Mapping[str, Any]:
        return read(self._api, path)


def _is_ready(pod: Mapping[str, Any]) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod.get("status", {}).get("conditions", [])
    )
