"""Deployments for runbooks to act on, a runbook for each, and when each was changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import kubernetes
import urllib3

from tests.load.platform_bench.stack import Stack

NAMESPACE = "apps"
_LABEL = "sre-bench"
# What is at 0 somebody has switched off: no action raises it.
_REPLICAS = 1
_WATCH_SECONDS = 300
_READY_SECONDS = 300

_RUNBOOK = """\
name: {name}
description: One pod more for a Deployment of the measurement.
severities: [critical]
action: scale_deployment
target: {{kind: deployment, namespace: apps, name: {target}}}
parameters: {{step: 1, max_replicas: 9}}
on_failure: keep
guard: {{cooldown_seconds: 3600, max_actions: 1, window_seconds: 3600}}
"""


def runbook_name(target: str) -> str:
    """Give the name of the runbook, and of the alert, for a target."""
    return "Bench" + "".join(word.capitalize() for word in target.split("-"))


def _manifest(name: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": name, _LABEL: "target"}
    container = {
        "name": "idle",
        "image": "idle",
        "command": ["/bin/sleep", "86400"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": _REPLICAS,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


class Targets:
    """The Deployments, watched: each action gives one a pod more."""

    def __init__(self, stack: Stack) -> None:
        # Typed Any: the client's annotations want objects where it takes manifests as well.
        kube: Any = kubernetes
        api = kube.config.new_client_from_config(stack.environment["KUBECONFIG"])
        self._apps: Any = kube.client.AppsV1Api(api)
        self._stack = stack
        self._lock = threading.Lock()
        self._changed_at: dict[str, float] = {}
        self._replicas: dict[str, int] = {}
        self._stopped = threading.Event()
        self._watch: Any = kube.watch.Watch()

    def make(self, names: Sequence[str]) -> None:
        """Create the Deployments and publish a runbook for each, then watch them.

        Waits until each has its pod, so that no start of one is measured. Raises TimeoutError.
        """
        for name in names:
            self._apps.create_namespaced_deployment(NAMESPACE, _manifest(name))
        self._stack.publish(
            {
                f"{name}.yaml": _RUNBOOK.format(name=runbook_name(name), target=name)
                for name in names
            }
        )
        self._wait_ready(len(names))
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._watch.stop()

    def changed_at(self, name: str) -> float | None:
        """Tell when a Deployment was first seen changed (``time.monotonic``)."""
        with self._lock:
            return self._changed_at.get(name)

    def actions(self, name: str) -> int:
        """Tell how many actions a Deployment has had."""
        with self._lock:
            return self._replicas.get(name, _REPLICAS) - _REPLICAS

    def wait_changed(self, names: Sequence[str], *, until: float) -> list[str]:
        """Wait for changes; returns the names of those that had none."""
        while True:
            missing = [name for name in names if self.changed_at(name) is None]
            if not missing or time.monotonic() > until:
                return missing
            time.sleep(0.01)

    def _wait_ready(self, number: int) -> None:
        until = time.monotonic() + _READY_SECONDS
        while True:
            listed = self._apps.list_namespaced_deployment(
                NAMESPACE, label_selector=f"{_LABEL}=target"
            )
            ready = sum(each.status.ready_replicas == _REPLICAS for each in listed.items)
            if ready == number:
                return
            if time.monotonic() > until:
                raise TimeoutError(
                    f"{ready} of {number} targets of the measurement have their pod after "
                    f"{_READY_SECONDS} s; 'srectl local logs node-agent' says why"
                )
            time.sleep(1)

    def _follow(self) -> None:
        while not self._stopped.is_set():
            stream = self._watch.stream(
                self._apps.list_namespaced_deployment,
                NAMESPACE,
                label_selector=f"{_LABEL}=target",
                timeout_seconds=_WATCH_SECONDS,
            )
            try:
                for event in stream:
                    self._note(event["object"].metadata.name, event["object"].spec.replicas)
            except urllib3.exceptions.HTTPError:
                # The API server hung up, at the latest when the stack stops.
                time.sleep(0.1)

    def _note(self, name: str, replicas: int) -> None:
        with self._lock:
            self._replicas[name] = replicas
            if replicas > _REPLICAS:
                self._changed_at.setdefault(name, time.monotonic())
