"""What a change of a pod template is to a human who reads a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook_action.objects import Workload
from runbook_action.outcome import Change


def template_changes(workload: Workload, template: Mapping[str, Any]) -> list[Change]:
    """A diff for humans. Environment variables stay out of it: they may be secrets."""
    name = f"{workload.namespace}/{workload.name}"
    changes = []
    old, new = _containers(workload.template), _containers(template)
    for container in sorted(old.keys() | new.keys()):
        for field in ("image", "command", "args"):
            before = old.get(container, {}).get(field)
            after = new.get(container, {}).get(field)
            if before != after:
                path = f"spec.template.spec.containers[{container}].{field}"
                changes.append(Change(workload.kind_name, name, path, before, after))
    if not changes:
        changes.append(
            Change(workload.kind_name, name, "spec.template", "current", "earlier revision")
        )
    return changes


def _containers(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    containers = (template.get("spec") or {}).get("containers") or []
    return {each["name"]: each for each in containers}
