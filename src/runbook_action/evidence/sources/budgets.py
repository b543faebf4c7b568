"""Disruption budgets that hold over the pods: what keeps a drain or an eviction waiting."""

from __future__ import annotations

from typing import Any

from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.words import plain
from runbook_action.objects import Json, KubernetesObject
from runbook_action.rights import rights


class Budgets:
    """PodDisruptionBudgets of the namespace that select the pods."""

    name = "budgets"
    seconds = 4.0
    rights = rights("poddisruptionbudget", "list")

    def about(self, scene: Scene) -> bool:
        """Whether the alert leads to a workload."""
        return scene.workload is not None

    def gather(self, scene: Scene) -> Gathered:
        """Read them, and choose those that select the template's labels."""
        workload = scene.workload
        if workload is None:
            return Gathered({})
        labels = (workload.template.get("metadata") or {}).get("labels") or {}
        found = [
            each
            for each in scene.tools.cluster.list("poddisruptionbudget", workload.namespace)
            if selects(each.spec.get("selector") or {}, labels)
        ]
        findings = []
        for each in found:
            healthy, wanted = each.status.get("currentHealthy"), each.status.get("desiredHealthy")
            if isinstance(healthy, int) and isinstance(wanted, int) and healthy < wanted:
                findings.append(
                    Finding(
                        50,
                        f"budget {plain(each.name, 63)} is violated: {healthy} healthy pods where "
                        f"{wanted} are wanted",
                    )
                )
        return Gathered({"budgets": [_told(each) for each in found]}, findings)


def _told(budget: KubernetesObject) -> dict[str, Any]:
    kept = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
    return {
        "name": budget.name,
        "minimum": budget.spec.get("minAvailable"),
        "maximum_unavailable": budget.spec.get("maxUnavailable"),
        **{key: budget.status.get(key) for key in kept},
    }


def selects(selector: Json, labels: Json) -> bool:
    """Whether a LabelSelector matches labels; one without terms matches all, as in policy/v1."""
    if any(labels.get(k) != v for k, v in (selector.get("matchLabels") or {}).items()):
        return False
    for term in selector.get("matchExpressions") or []:
        key, values = term.get("key"), term.get("values") or []
        holds = {
            "In": key in labels and labels.get(key) in values,
            "NotIn": key not in labels or labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not holds.get(str(term.get("operator")), False):
            return False
    return True
