"""A restart of a DaemonSet, for the table of faults: the other kind of ``restart_workload``."""

from __future__ import annotations

from typing import Any

from runbook_action.request import TargetKind
from tests.integration.runbook_action.fault_cases import IMAGE, LABELS, POD, FaultCase
from tests.support.waiting import eventually


class OnDaemonSet(FaultCase):
    """One pod on a node of its own."""

    kind: TargetKind = "daemonset"
    meanwhile = {"spec": {"minReadySeconds": 1}}  # noqa: RUF012

    def prepare(self) -> None:
        self.only = {"only": self.place.namespace}
        node = {"metadata": {"name": f"node-of-{self.place.namespace}", "labels": self.only}}
        self.place.core.create_node(node)
        pod = {**POD, "nodeSelector": self.only, "containers": [{"name": "main", "image": IMAGE}]}
        template = {"metadata": {"labels": LABELS}, "spec": pod}
        self.place.apps.create_namespaced_daemon_set(
            self.place.namespace,
            {
                "metadata": {"name": self.name},
                "spec": {"selector": {"matchLabels": LABELS}, "template": template},
            },
        )
        eventually("its pod is ready", lambda: self.found().status.number_ready == 1)

    def found(self) -> Any:
        return self.place.apps.read_namespaced_daemon_set("target", self.place.namespace)

    def patch(self, patch: dict[str, Any]) -> None:
        self.place.apps.patch_namespaced_daemon_set("target", self.place.namespace, patch)

    def refusal(self) -> None:
        self.patch({"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}})

    def effects(self) -> int:
        """Templates it has had."""
        kept = self.place.apps.list_namespaced_controller_revision(self.place.namespace)
        return len(kept.items)

    def is_done(self) -> bool:
        return bool(self.found().status.updated_number_scheduled == 1)

    def clear(self) -> None:
        super().clear()
        self.place.core.delete_collection_node(label_selector=f"only={self.place.namespace}")
