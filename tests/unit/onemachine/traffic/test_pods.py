"""Which pods get orders, read from what the API server answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onemachine.traffic import pods
from onemachine.traffic.pods import ReadyPods, address_of

POD: dict[str, Any] = {
    "metadata": {"name": "checkout-1"},
    "spec": {
        "containers": [{"name": "checkout", "ports": [{"name": "http", "containerPort": 8080}]}]
    },
    "status": {"podIP": "127.9.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
}
SERVICE = {"spec": {"selector": {"app": "checkout"}, "ports": [{"targetPort": "http"}]}}


class _Answer:
    def __init__(self, document: object) -> None:
        self.data = json.dumps(document).encode()


class _Api:
    """Answers as the API server does, and counts how often it is asked for the Service."""

    def __init__(self, *found: dict[str, Any]) -> None:
        self.found, self.services, self.selectors = found, 0, set[str]()

    def read_namespaced_service(self, *_args: str, **_options: object) -> _Answer:
        self.services += 1
        return _Answer(SERVICE)

    def list_namespaced_pod(
        self, _namespace: str, label_selector: str, **_options: object
    ) -> _Answer:
        self.selectors.add(label_selector)
        return _Answer({"items": self.found})


def _watching(api: _Api, monkeypatch: pytest.MonkeyPatch) -> ReadyPods:
    monkeypatch.setattr(pods, "_client", lambda _kubeconfig: None)
    monkeypatch.setattr("kubernetes.client.CoreV1Api", lambda _client: api)
    return ReadyPods(Path("kubeconfig"), "apps", "checkout")


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"conditions": [{"type": "Ready", "status": "False"}], "podIP": "127.9.0.1"}},
        {"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
        {"status": {"podIP": "127.9.0.1"}},
        {"metadata": {"name": "checkout-1", "deletionTimestamp": "2026-11-27T22:00:00Z"}},
        {"spec": {"containers": [{"name": "checkout"}]}},
    ],
    ids=["not ready", "no address", "new", "leaving", "no such port"],
)
def test_a_pod_that_cannot_serve_gets_no_orders(change: dict[str, Any]) -> None:
    assert address_of(POD, "http") == "127.9.0.1:8080"
    assert address_of(POD | change, "http") is None


def test_a_port_may_be_a_number() -> None:
    assert address_of(POD, 9000) == "127.9.0.1:9000"


def test_pods_are_asked_for_by_the_labels_of_the_service_which_is_not_asked_for_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = _Api(POD)
    ready = _watching(api, monkeypatch)
    for _ in range(3):
        ready.refresh()
    assert ready.take() == "127.9.0.1:8080"
    assert (api.selectors, api.services) == ({"app=checkout"}, 1)
    monkeypatch.setattr(pods, "_SERVICE_SECONDS", -1.0)
    ready._spec_until = 0.0
    ready.refresh()
    ready.refresh()
    assert api.services == 3
