"""``rollback_deployment``: back to the pod template of an earlier revision.

Like ``kubectl rollout undo``, with two differences. Revisions that differ from the current one
only by a restart are skipped: they would bring back the very template that is broken. And the
template gets the marks of a restart, by which its pods are told from those it replaces.

One write carries the marks and the template, so there is no halfway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from runbook_action import marks
from runbook_action.blast_radius import READY_FIELDS, refuse_if_too_few_stay_ready
from runbook_action.errors import ActionRefused
from runbook_action.fields import Field, IntegerField
from runbook_action.objects import Revision, Workload
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.rights import rights, rolling
from runbook_action.rollout import (
    is_restarted,
    read_workload,
    refuse_if_it_cannot_roll,
    refuse_if_paused,
    restart_change,
    restart_patch,
    verdict,
    watched,
    write_unless_changed,
)

_HIGHEST_REVISION = 2**31


@dataclass(frozen=True)
class RollbackDeployment:
    """Roll back to an earlier revision; undo rolls forward again."""

    name: str = "rollback_deployment"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """It rolls back a Deployment."""
        return frozenset({"deployment"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """The revisions besides: ReplicaSets hold them."""
        return {
            "deployment": (*rolling("deployment"), *rights("replicaset", "list")),
        }

    @property
    def aws_rights(self) -> Sequence[str]:
        """None."""
        return ()

    @property
    def fields(self) -> Mapping[str, Field]:
        """``to_revision``, or the newest one that differs by more than a restart."""
        return {"to_revision": IntegerField(1, _HIGHEST_REVISION), **READY_FIELDS}

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The revision to go forward to again."""
        return {"from_revision": IntegerField(1, _HIGHEST_REVISION, required=True)}

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show what the rollback would bring back."""
        deployment = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        if is_restarted(deployment, request):
            return Outcome(
                "unchanged",
                f"change nothing: {request.target} was already rolled back for this incident.",
            )
        refuse_if_too_few_stay_ready(deployment, request)
        wanted = self._earlier(request, services, deployment)
        return Outcome(
            "planned",
            f"roll {request.target} back from revision {deployment.revision} to {wanted.revision}.",
            plan=_changes(deployment, wanted.template),
            undo=self._undo(deployment.revision),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Put the earlier template in place, and watch the rollout."""
        deployment = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        recorded = marks.recorded(deployment, request)
        if recorded is not None and is_restarted(deployment, request):
            before, after = _number(recorded, "from_revision"), _number(recorded, "to_revision")
            name = f"{deployment.namespace}/{deployment.name}"
            changes = [Change("Deployment", name, "revision", before, after)]
        else:
            refuse_if_too_few_stay_ready(deployment, request)
            wanted = self._earlier(request, services, deployment)
            changes = _changes(deployment, wanted.template)
            before, after = deployment.revision, wanted.revision
            previous = {"from_revision": before, "to_revision": after}
            self._put(request, services, deployment, wanted, previous)
        return watched(
            services,
            request.target,
            f"Revision {before} was replaced by the template of revision {after}",
            changes,
            undo=self._undo(before),
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: rollout complete, replicas ready, no container stuck."""
        return verdict(services, request.target, [], {})

    def undo(self, request: Request, services: Services) -> Outcome:
        """Roll forward to the template from before this incident."""
        deployment = read_workload(services.cluster, request.target)
        undone = is_restarted(deployment, request, undoing=True)
        if not undone and not is_restarted(deployment, request):
            return Outcome(
                "unchanged",
                f"{request.target} does not run what this incident rolled it back to: there is "
                f"nothing to undo.",
            )
        recorded = marks.recorded(deployment, request) or {}
        before = _number(request.undo or recorded, "from_revision")
        changes: list[Change] = []
        if not undone:
            refuse_if_paused(deployment, request.target)
            wanted = next(
                (each for each in _history(services, deployment) if each.revision == before), None
            )
            if wanted is None:
                raise ActionRefused(
                    f"revision {before} of {request.target} is no longer in its history: it "
                    f"cannot be brought back. Deploy it again from its source."
                )
            changes = _changes(deployment, wanted.template)
            self._put(request, services, deployment, wanted, recorded, undoing=True)
        return watched(
            services, request.target, f"The template of revision {before} is back", changes
        )

    def _put(
        self,
        request: Request,
        services: Services,
        deployment: Workload,
        wanted: Revision,
        previous: Mapping[str, Any],
        *,
        undoing: bool = False,
    ) -> None:
        restart = restart_change(services, deployment, request, undoing=undoing)
        patch = restart_patch(deployment, restart, request, undoing=undoing)
        template = _bare(wanted.template)
        template["metadata"]["annotations"] |= {
            key: value
            for key, value in patch["spec"]["template"]["metadata"]["annotations"].items()
            if value is not None
        }
        annotations = marks.mark(deployment, request, previous)
        write_unless_changed(
            services.cluster,
            deployment,
            lambda current: services.cluster.replace(
                current,
                {
                    "/metadata/annotations": {**current.annotations, **annotations},
                    "/spec/template": template,
                },
            ),
        )

    def _undo(self, before: int) -> Undo:
        return Undo(self.name, {"from_revision": before})

    @staticmethod
    def _earlier(request: Request, services: Services, deployment: Workload) -> Revision:
        asked = request.parameters.get("to_revision")
        for each in _history(services, deployment):
            if (
                each.revision < deployment.revision
                and asked in (None, each.revision)
                and _bare(each.template) != _bare(deployment.template)
            ):
                return each
        wanted = f"revision {asked}" if asked is not None else "earlier revision"
        raise ActionRefused(
            f"{request.target} has no {wanted} in its history that differs from the current one "
            f"by more than a restart: there is nothing to roll back to."
        )


def _history(services: Services, deployment: Workload) -> list[Revision]:
    """The revisions that Kubernetes keeps, the newest first."""
    found = services.cluster.list("replicaset", deployment.namespace, deployment.selector)
    own = [cast(Revision, each) for each in found if each.belongs_to(deployment)]
    return sorted(own, key=lambda each: each.revision, reverse=True)


def _bare(template: Mapping[str, Any]) -> dict[str, Any]:
    """A pod template without what restarts and ReplicaSets put on it."""
    metadata = dict(template.get("metadata") or {})
    metadata.pop("creationTimestamp", None)
    labels = {
        key: value
        for key, value in (metadata.get("labels") or {}).items()
        if key != "pod-template-hash"
    }
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key not in marks.OF_A_RESTART
    }
    return {**template, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def _changes(deployment: Workload, template: Mapping[str, Any]) -> list[Change]:
    """A diff for humans. Environment variables stay out of it: they may be secrets."""
    name = f"{deployment.namespace}/{deployment.name}"
    changes = []
    old, new = _containers(deployment.template), _containers(template)
    for container in sorted(old.keys() | new.keys()):
        for field in ("image", "command", "args"):
            before = old.get(container, {}).get(field)
            after = new.get(container, {}).get(field)
            if before != after:
                path = f"spec.template.spec.containers[{container}].{field}"
                changes.append(Change("Deployment", name, path, before, after))
    if not changes:
        changes.append(Change("Deployment", name, "spec.template", "current", "earlier revision"))
    return changes


def _containers(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    containers = (template.get("spec") or {}).get("containers") or []
    return {each["name"]: each for each in containers}


def _number(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else 0


ACTION = RollbackDeployment()
