"""One object of each kind that remediation may write to, and who writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from tests.integration.runbook_action.support import NO_SCHEDULER

RUN_BEFORE, RUNNING = "team.example/checkout:1", "team.example/checkout:2"
REGISTRIES = "sre-platform/registries"
RESTART = {
    "kubectl.kubernetes.io/restartedAt": "2026-11-27T03:00:00Z",
    "sre-platform/restarted-for": "7b0f0f5e-8a52-5b1e-9f0a-3d1f7a6c2e11/1",
}
MARKS = {"sre-platform/incident-id": "7b0f0f5e-8a52-5b1e-9f0a-3d1f7a6c2e11/1"}
MARKED = {"metadata": {"annotations": MARKS}}
WORKLOADS = ("deployment", "stateful_set", "daemon_set")


def template(image: str = RUNNING, **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "checkout"}},
        "spec": {
            "schedulerName": NO_SCHEDULER,
            "containers": [
                {"name": "main", "image": image, "env": [{"name": "A", "value": image}]}
            ],
            **more,
        },
    }


@dataclass
class Scene:
    """One object of each kind that remediation may write to, and who writes."""

    admin: Any
    namespace: str
    held: Any
    # A namespace whose Job is run again and has not failed.
    at_work: str

    def patch(self, kind: str, body: Any, by: Any = None, name: str = "checkout") -> Any:
        """Merge into an object, or, with a list, patch it by JSON pointers."""
        api, scope = APIS[kind]
        arguments = (name, self.namespace) if scope else (self.namespace,)
        call = getattr(api(by or self.held), f"patch_{scope}{kind}")
        return call(*arguments, body, dry_run="All")

    def suspend(self, job: str, wanted: bool) -> Any:
        """Hold one of the Jobs back, or let it go on."""
        return self.patch("job", {**MARKED, "spec": {"suspend": wanted}}, name=job)

    def put_template(self, kind: str, wanted: dict[str, Any], by: Any = None) -> Any:
        return self.patch(kind, [{"op": "replace", "path": "/spec/template", "value": wanted}], by)

    def changed(self, kind: str, change: Callable[[dict[str, Any]], None]) -> Any:
        """Put the running template with one change in it."""
        wanted = template()
        change(wanted)
        return self.put_template(kind, wanted)

    def api(self, of: Any) -> Any:
        return of(self.held)

    @property
    def core(self) -> Any:
        return self.api(client.CoreV1Api)


APIS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(WORKLOADS, (client.AppsV1Api, "namespaced_")),
    "horizontal_pod_autoscaler": (client.AutoscalingV2Api, "namespaced_"),
    "persistent_volume_claim": (client.CoreV1Api, "namespaced_"),
    "job": (client.BatchV1Api, "namespaced_"),
    "node": (client.CoreV1Api, ""),
}


def spec_of_a_workload() -> dict[str, Any]:
    selector = {"matchLabels": {"app": "checkout"}}
    return {"spec": {"selector": selector, "template": template()}}
