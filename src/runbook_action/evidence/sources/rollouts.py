"""What was rolled out last: which images and settings, when, and by which field manager."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from runbook_action import marks
from runbook_action.evidence.managers import writer_of
from runbook_action.evidence.rollout import last_rollout
from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.staged import Staged, staged_version
from runbook_action.evidence.words import image_of, plain, relative
from runbook_action.objects import Json, Revision, Workload, moment_of
from runbook_action.rights import rights

_YOUNG = timedelta(hours=1)
_TOLD = timedelta(days=2)
_KEPT = 5  # revisions that are listed
_ACTION = 40  # characters of an action's name
# Of a step's mark: as much of the incident's id as people type.
_TOKEN = re.compile(r"([0-9a-f]{8})-[0-9a-f-]{27}(?![0-9a-f-])")


class Rollouts:
    """The history of a workload's pod template."""

    name = "rollouts"
    seconds = 4.0
    rights = (
        *rights("deployment", "get"),
        *rights("statefulset", "get"),
        *rights("daemonset", "get"),
        *rights("replicaset", "list"),
        *rights("controllerrevision", "list"),
        *rights("pod", "list"),  # where they are held back from the template
    )

    def about(self, scene: Scene) -> bool:
        """Whether the alert leads to a workload."""
        return scene.workload is not None

    def gather(self, scene: Scene) -> Gathered:
        """Compare the current template with the one before."""
        workload = scene.workload
        if workload is None:
            return Gathered({})
        history = scene.revisions()
        rollout = last_rollout(workload, history)
        facts: dict[str, Any] = {
            "kind": workload.kind,
            "images": _images(workload.template),
            "paused": workload.paused,
            "revisions": [_told(each) for each in history[:_KEPT]],
        }
        findings = _restarted(workload, scene)
        if workload.held_back and (staged := staged_version(workload, history, scene.pods())):
            return _of_staged(staged, workload, scene, facts, findings)
        if rollout is None:
            return Gathered(facts, findings)
        when, writer = rollout.at, rollout.by
        facts.update(
            changes=rollout.changes,
            rolled_out_at=when.isoformat() if when else None,
            rolled_out_by=writer.manager if writer else None,
        )
        if when is not None and not rollout.first and abs(scene.began - when) <= _TOLD:
            rank = 10 if abs(scene.began - when) <= _YOUNG else 60
            by = f", by {writer.manager}" if writer else ""
            what = _what(rollout.changes)
            findings.append(Finding(rank, f"{what} rolled out {relative(when, scene.began)}{by}"))
        return Gathered(facts, findings)


def _of_staged(
    staged: Staged,
    workload: Workload,
    scene: Scene,
    facts: dict[str, Any],
    findings: list[Finding],
) -> Gathered:
    """Tell of a version that pods are held back from as what it is: written, and run by so many."""
    running = [_images(each.template) for each in staged.running]
    facts = {
        **facts,
        # What the pods run, where that is one version.
        "images": running[0] if running and all(each == running[0] for each in running) else {},
        "changes": staged.changes,
        "staged": {
            "images": _images(workload.template),
            "held_back": workload.held_back,
            "at": staged.at.isoformat() if staged.at else None,
            "by": staged.by or None,
            "pods_that_run_it": staged.runs,
            "pods": staged.pods,
        },
    }
    if staged.at is not None and abs(scene.began - staged.at) <= _TOLD:
        rank = 10 if staged.runs and abs(scene.began - staged.at) <= _YOUNG else 60
        by = f", by {staged.by}" if staged.by else ""
        what = _what(staged.changes, before=False)
        told = f"{what} staged {relative(staged.at, scene.began)}{by}"
        so_far = f"{staged.runs} of {staged.pods} pods run it ({workload.held_back})"
        findings = [*findings, Finding(rank, f"{told}: {so_far}")]
    return Gathered(facts, findings)


def _what(changes: Sequence[Json], *, before: bool = True) -> str:
    images = [each for each in changes if each["field"] == "image"]
    if images:
        new = " and ".join(dict.fromkeys(image_of(str(each["after"])) for each in images))
        if not before:
            return f"image {new}"
        old = " and ".join(dict.fromkeys(image_of(str(each["before"])) for each in images))
        return f"image {new} (before: {old})"
    fields = list(dict.fromkeys(str(each["field"]) for each in changes))
    shown = ", ".join(fields[:3]) + (f" and {len(fields) - 3} more" if len(fields) > 3 else "")
    return f"a change of {shown}"


def _restarted(workload: Workload, scene: Scene) -> list[Finding]:
    at = moment_of(workload.template_annotations.get(marks.RESTARTED_AT))
    if at is None or abs(scene.began - at) > _YOUNG:
        return []
    when = f"{relative(at, scene.began)}{_by_the_platform(workload)}"
    if workload.held_back:
        value = workload.template_annotations[marks.RESTARTED_AT]
        pods = [each for each in scene.pods() if each.belongs_to(workload)]
        done = sum(each.annotations.get(marks.RESTARTED_AT) == value for each in pods)
        if done < len(pods):
            so_far = f"{done} of {len(pods)} pods are restarted ({workload.held_back})"
            told = f"a restart of {workload.name} was asked for {when}: {so_far}"
            return [Finding(15 if done else 60, told)]
    return [Finding(15, f"{workload.name} was restarted {when}")]


def _by_the_platform(workload: Workload) -> str:
    """Say for which incident the platform restarted it; empty where somebody else did, or since."""
    found = workload.template_annotations
    path = ("spec", "template", "metadata", "annotations")
    # Whoever restarts it writes the time; with it the platform writes its mark, and nobody else.
    by, mark = (
        writer_of(workload, (*path, key)) for key in (marks.RESTARTED_AT, marks.RESTARTED_BY)
    )
    for key, words in ((marks.RESTARTED_FOR, ""), (marks.UNDONE_FOR, "the undo of ")):
        token = _TOKEN.match(found.get(key, ""))
        if token and by is not None and by == mark:
            action = plain(found.get(marks.RESTARTED_BY, "an action"), _ACTION)
            return f", by {words}{action} for incident {token[1]}"
    return ""


def _told(revision: Revision) -> dict[str, Any]:
    return {
        "revision": revision.revision,
        "made_at": revision.metadata.get("creationTimestamp"),
        "images": _images(revision.template),
    }


def _images(template: Json) -> dict[str, str]:
    containers = (template.get("spec") or {}).get("containers") or []
    return {str(each.get("name")): str(each.get("image")) for each in containers}
