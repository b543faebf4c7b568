"""The alert's own query as numbers and as a small picture, where a monitoring can be asked."""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.words import plain
from runbook_action.ports import Right

_PICTURE = 16_384  # characters of SVG; a larger one is left out whole


class AlertsOwnQuery:
    """What the port ``Measurements`` gives."""

    name = "measurements"
    seconds = 4.0
    rights: Sequence[Right] = ()

    def about(self, scene: Scene) -> bool:
        """Whether there is a monitoring to ask."""
        return scene.tools.measurements is not None

    def gather(self, scene: Scene) -> Gathered:
        """Ask it."""
        if scene.tools.measurements is None:
            return Gathered({})
        found = scene.tools.measurements.about(scene.alert, scene.began)
        picture = found.picture if len(found.picture) <= _PICTURE else ""
        findings = [Finding(35, plain(found.finding))] if found.finding else []
        return Gathered({"numbers": found.numbers, "picture": picture}, findings)
