"""How many replicas there are and should be, who set that when, and what the autoscaler says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from runbook_action.evidence.managers import writer_of
from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.words import plain, relative
from runbook_action.objects import Autoscaler, Workload
from runbook_action.rights import rights

_LATELY = timedelta(hours=1)


class Scaling:
    """Replicas of a workload and its HorizontalPodAutoscaler."""

    name = "scaling"
    seconds = 4.0
    rights = rights("horizontalpodautoscaler", "get", "list")

    def about(self, scene: Scene) -> bool:
        """Whether the alert leads to a workload."""
        return scene.workload is not None

    def gather(self, scene: Scene) -> Gathered:
        """Read the counts and the autoscaler."""
        workload = scene.workload
        if workload is None:
            return Gathered({})
        facts: dict[str, Any] = {
            "replicas": workload.replicas,
            "ready": workload.count("ready"),
            "available": workload.count("available"),
            "updated": workload.count("updated"),
        }
        findings = _set_by_hand(workload, scene, facts)
        if workload.observed and facts["ready"] < facts["replicas"]:
            findings.append(
                Finding(45, f"{facts['ready']} of {facts['replicas']} replicas are ready")
            )
        autoscaler = scene.autoscaler()
        if autoscaler is not None:
            facts["autoscaler"] = _said(autoscaler)
            findings += _limits(autoscaler, scene)
        return Gathered(facts, findings)


def _set_by_hand(workload: Workload, scene: Scene, facts: dict[str, Any]) -> list[Finding]:
    writer = writer_of(workload, ("spec", "replicas"), subresource="scale")
    writer = writer or writer_of(workload, ("spec", "replicas"))
    if writer is None or writer.at is None:
        return []
    facts["replicas_set_by"] = writer.manager
    facts["replicas_set_at"] = writer.at.isoformat()
    made = str(workload.metadata.get("creationTimestamp"))
    scaled = writer_of(workload, ("spec", "replicas"), subresource="scale") is not None
    # A manager of the whole object has a time for the whole of it, its creation included.
    if not scaled or abs(scene.began - writer.at) > _LATELY or facts["replicas_set_at"] == made:
        return []
    return [
        Finding(
            18,
            f"scaled to {workload.replicas} replicas {relative(writer.at, scene.began)}, "
            f"by {writer.manager}",
        )
    ]


def _said(autoscaler: Autoscaler) -> dict[str, Any]:
    status = autoscaler.status
    writer = writer_of(autoscaler, ("spec", "maxReplicas"), ("spec",))
    return {
        "name": autoscaler.name,
        "minimum": autoscaler.min_replicas,
        "maximum": autoscaler.max_replicas,
        "current": autoscaler.current_replicas,
        "desired": status.get("desiredReplicas"),
        "last_scaled_at": status.get("lastScaleTime"),
        "set_by": writer.manager if writer else None,
        "set_at": writer.at.isoformat() if writer and writer.at else None,
        "metrics": (status.get("currentMetrics") or [])[:5],
        "targets": (autoscaler.spec.get("metrics") or [])[:5],
        "conditions": [
            {
                "type": each.get("type"),
                "status": each.get("status"),
                "reason": each.get("reason"),
                "message": plain(each.get("message") or ""),
            }
            for each in (status.get("conditions") or [])[:5]
        ],
    }


def _limits(autoscaler: Autoscaler, scene: Scene) -> list[Finding]:
    found = []
    wanted = autoscaler.status.get("desiredReplicas")
    if isinstance(wanted, int) and wanted >= autoscaler.max_replicas:
        found.append(
            Finding(
                25,
                f"autoscaler {autoscaler.name} is at its maximum of {autoscaler.max_replicas} "
                f"replicas",
            )
        )
    active = autoscaler.condition("ScalingActive")
    if active.get("status") == "False" and active.get("reason") != "ScalingDisabled":
        found.append(
            Finding(
                30,
                f"autoscaler {autoscaler.name} does not scale: {plain(active.get('reason'), 60)}",
            )
        )
    writer = writer_of(autoscaler, ("spec", "maxReplicas"))
    made = str(autoscaler.metadata.get("creationTimestamp"))
    changed = autoscaler.generation > 1 or made != (
        writer.at.isoformat().replace("+00:00", "Z") if writer and writer.at else made
    )
    if writer and writer.at and changed and abs(scene.began - writer.at) <= _LATELY:
        found.append(
            Finding(
                19,
                f"autoscaler {autoscaler.name} was changed {relative(writer.at, scene.began)}, "
                f"by {writer.manager}",
            )
        )
    return found
