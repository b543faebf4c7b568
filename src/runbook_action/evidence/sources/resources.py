"""What the containers ask for and may use at most; what they use is a monitoring's to say."""

from __future__ import annotations

from runbook_action.evidence.scene import Gathered, Scene
from runbook_action.rights import rights


class Resources:
    """Requests, limits and class of quality."""

    name = "resources"
    seconds = 4.0
    rights = rights("pod", "get", "list")

    def about(self, scene: Scene) -> bool:
        """Whether the alert leads to something with a pod template, or to a pod."""
        return scene.subject is not None and scene.subject.kind not in (
            "node",
            "persistentvolumeclaim",
        )

    def gather(self, scene: Scene) -> Gathered:
        """Read them from the template, or from the pod."""
        subject = scene.subject
        if subject is None:
            return Gathered({})
        spec = subject.spec
        if subject.kind != "pod":
            spec = (spec.get("template") or {}).get("spec") or {}
        pods = scene.pods()
        return Gathered(
            {
                "containers": [
                    {
                        "name": each.get("name"),
                        "requests": (each.get("resources") or {}).get("requests") or {},
                        "limits": (each.get("resources") or {}).get("limits") or {},
                    }
                    for each in [
                        *(spec.get("containers") or []),
                        *(spec.get("initContainers") or []),
                    ][:20]
                ],
                "quality": sorted({str(each.status.get("qosClass")) for each in pods}),
            }
        )
