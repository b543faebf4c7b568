"""``rerun_job``: do the work of a failed Job once more.

A Job that has failed cannot be started again, so a copy of it is made, whose name is made of the
failed one's, the incident and the step: a repeated call meets the copy that is there, and makes no
second one. The copy belongs to the same CronJob, if there is one, so that the CronJob's limits
count it and clear it away.

The admission policy (``eks/apps/base/remediation-copies.yaml``) lets only an exact copy of a failed
Job pass that bears the label ``RUN_AGAIN`` while the copy is made: it is put on before, and taken
off after, also by the repeat of a call that died in between.

Undo stops a copy that still runs; it is kept for its logs. What a Job did is not taken back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    ClusterConflict,
    ClusterRejected,
    RolloutFailed,
    TargetNotFound,
)
from runbook_action.objects import Job
from runbook_action.outcome import Change, Outcome
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.rights import rights
from runbook_action.unchanged import patch_unless_changed

POLL_SECONDS = 1.0
# On the failed Job, with the copy's name; and on the copy.
RUN_AGAIN = "sre-platform/run-again"
COPY = "sre-platform/copy"
_POLICY = "sre-remediation-copies"
# The API server hears of the label a moment after it has taken it.
_HEARS_SECONDS = 0.2
_HEARS_WITHIN = 15
_LONGEST_NAME = 63  # of a Job: its pods carry it as a label
# What the Job controller puts on a Job and its pods: a copy gets its own.
_OF_THE_CONTROLLER = frozenset(
    {
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-uid",
        "job-name",
        RUN_AGAIN,
    }
)
# Of one run, or of the API's own making.
_OF_ONE_RUN = frozenset({"selector", "manualSelector", "suspend"})


@dataclass(frozen=True)
class RerunJob(Defaults):
    """Make a copy of a failed Job."""

    name: str = "rerun_job"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """It copies a Job."""
        return frozenset({"job"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """Read the failed one, make the copy, stop it."""
        return {"job": rights("job", "get", "create", "patch")}

    def has_begun(self, request: Request, services: Services) -> bool:
        """Whether the copy is there: the failed Job itself is not marked."""
        return _copy(_read(request, services), request, services) is not None

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the copy that would be made."""
        failed = _read(request, services)
        if _copy(failed, request, services) is not None:
            return Outcome(
                "unchanged", f"change nothing: {request.target} was already run again for this."
            )
        _refuse_unless_failed(failed, request)
        return Outcome(
            "planned",
            f"run {request.target} again as {_copy_name(failed, request)}.",
            plan=[_change(failed, request)],
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Make the copy, and watch it until it has done its work.

        Raises
        ------
        RolloutFailed
            If the copy fails, too.
        """
        failed = _read(request, services)
        copy = _copy(failed, request, services)
        if copy is None:
            _refuse_unless_failed(failed, request)
            _make_copy(failed, request, services)
            copy = _copy(failed, request, services)
        else:
            _let_go(failed, request, services)
        while copy is None or not (copy.complete or copy.failed):
            if services.clock.remaining() < POLL_SECONDS:
                break
            services.clock.sleep(POLL_SECONDS)
            copy = _copy(failed, request, services)
        name = _copy_name(failed, request)
        if copy is not None and copy.failed:
            raise RolloutFailed(
                f"job {failed.namespace}/{name}, the second run of {request.target}, failed, too "
                f"({copy.why_failed}). See 'kubectl -n {failed.namespace} logs job/{name}'."
            )
        done = copy is not None and copy.complete
        return Outcome(
            "succeeded" if done else "in_progress",
            f"{request.target} {'was run' if done else 'runs'} again as {name}.",
            changed=True,
            details={"job": name},
            plan=[_change(failed, request)],
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: the copy has done its work."""
        failed = _read(request, services)
        copy = _copy(failed, request, services)
        name = _copy_name(failed, request)
        if copy is None:
            why = f"{request.target} was not run again"
        elif copy.complete:
            return Outcome("succeeded", f"job {name} has done its work.", healthy=True)
        else:
            why = f"job {name} {copy.why_failed or 'is still at work'}"
        return Outcome("unhealthy", f"{why}.", details={"reasons": [why]}, healthy=False)

    def undo(self, request: Request, services: Services) -> Outcome:
        """Stop the copy, if it still runs."""
        failed = _read(request, services)
        copy = _copy(failed, request, services)
        _let_go(failed, request, services)
        if copy is None or copy.complete or copy.failed or copy.suspended:
            return Outcome(
                "unchanged",
                f"no run of {request.target} goes on for this incident: there is nothing to stop.",
            )
        patch_unless_changed(services.cluster, copy, {"spec": {"suspend": True}})
        return Outcome(
            "succeeded",
            f"job {copy.name} was stopped; what it did is not taken back.",
            changed=True,
            plan=[Change("Job", f"{copy.namespace}/{copy.name}", "spec.suspend", False, True)],
        )


def _read(request: Request, services: Services) -> Job:
    target = request.target
    return cast(Job, services.cluster.read("job", target.namespace or "", target.name))


def _copy(failed: Job, request: Request, services: Services) -> Job | None:
    """The copy that this step made, if it has made one."""
    name = _copy_name(failed, request)
    try:
        found = cast(Job, services.cluster.read("job", failed.namespace, name))
    except TargetNotFound:
        return None
    if marks.recorded(found, request) != {"of": failed.uid}:
        raise ActionRefused(
            f"job {failed.namespace}/{name} is not a run of {request.target} that this incident "
            f"started: somebody else made one of that name. It is left alone."
        )
    return found


def _make_copy(failed: Job, request: Request, services: Services) -> None:
    """Make it while the failed Job says that it is run again."""
    label = {"metadata": {"labels": {RUN_AGAIN: _copy_name(failed, request)}}}
    labelled = patch_unless_changed(services.cluster, failed, label)
    try:
        _create_copy(failed, request, services)
    finally:
        _let_go(labelled, request, services)


def _create_copy(failed: Job, request: Request, services: Services) -> None:
    """Create it, as soon as the policy has heard of the label."""
    for waits in range(_HEARS_WITHIN):
        try:
            with suppress(ClusterConflict):  # made by a call whose answer was lost
                services.cluster.create("job", failed.namespace, _manifest(failed, request))
        except (AccessDenied, ClusterRejected) as error:  # the latter where none bears it
            if _POLICY not in str(error) or waits == _HEARS_WITHIN - 1:
                raise
            services.clock.sleep(_HEARS_SECONDS)
        else:
            return


def _let_go(failed: Job, request: Request, services: Services) -> None:
    """Take the label off that this step has put on."""
    if failed.labels.get(RUN_AGAIN) == _copy_name(failed, request):
        patch_unless_changed(services.cluster, failed, {"metadata": {"labels": {RUN_AGAIN: None}}})


def _refuse_unless_failed(job: Job, request: Request) -> None:
    if not job.failed:
        state = "has done its work" if job.complete else "is still at work"
        raise ActionRefused(f"{request.target} {state}: only a failed Job is run again.")


def _manifest(failed: Job, request: Request) -> dict[str, Any]:
    template = dict(failed.template)
    template["metadata"] = _without_controller(template.get("metadata") or {})
    spec = {key: value for key, value in failed.spec.items() if key not in _OF_ONE_RUN}
    owners = [{**owner, "blockOwnerDeletion": False} for owner in failed.owners]
    return {
        "metadata": {
            "labels": {**_without_controller({"labels": failed.labels})["labels"], COPY: "true"},
            "name": _copy_name(failed, request),
            "annotations": marks.mark(failed, request, {"of": failed.uid}),
            "ownerReferences": owners,
        },
        "spec": {**spec, "template": template},
    }


def _without_controller(metadata: Mapping[str, Any]) -> dict[str, Any]:
    labels = metadata.get("labels") or {}
    kept = {key: value for key, value in labels.items() if key not in _OF_THE_CONTROLLER}
    found = {key: metadata[key] for key in ("annotations",) if key in metadata}
    return {**found, "labels": kept}


def _copy_name(failed: Job, request: Request) -> str:
    digest = hashlib.sha256(f"{request.token}\n{failed.uid}".encode()).hexdigest()[:10]
    return f"{failed.name[: _LONGEST_NAME - 11].rstrip('.-')}-{digest}"


def _change(failed: Job, request: Request) -> Change:
    name = f"{failed.namespace}/{_copy_name(failed, request)}"
    return Change("Job", name, "metadata.name", None, _copy_name(failed, request))


ACTION = RerunJob()
