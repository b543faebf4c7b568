"""``rerun_job``: do the work of a failed Job once more.

A Job that has failed cannot be started again, so a copy of it is made, whose name is made of the
failed one's, the incident and the step: a repeated call meets the copy that is there, and makes no
second one. The copy belongs to the same CronJob, if there is one, so that the CronJob's limits
count it and clear it away. The copy is read before the failed Job, which may be cleared away while
the copy runs; that one is needed only to make it.

What its CronJob forbids is not done: to run at all (``suspend``), or beside or instead of another
run (``concurrencyPolicy``).

The admission policy (``eks/apps/base/remediation-copies.yaml``) lets only an exact copy of a failed
Job pass that bears the label ``RUN_AGAIN`` while the copy is made: it is put on before, and taken
off after, also by the repeat of a call that died in between. One that was never repeated has left
its label: it is taken off once its copy is there, else the error names the Job that bears it.

Undo stops a copy that still runs; it is kept for its logs. What a Job did is not taken back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.copies import let_go, make_copy
from runbook_action.errors import ActionRefused, RolloutFailed, TargetNotFound
from runbook_action.objects import Job
from runbook_action.outcome import Change, Outcome
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.resolve.owners import cronjob_of, name_of
from runbook_action.rights import rights
from runbook_action.unchanged import patch_unless_changed

POLL_SECONDS = 1.0
_LONGEST_NAME = 63  # of a Job: its pods carry it as a label


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
        """Read the failed one and its CronJob, make the copy, stop it."""
        own = rights("job", "get", "list", "create", "patch")
        return {"job": (*rights("cronjob", "get"), *own)}

    def has_begun(self, request: Request, services: Services) -> bool:
        """Whether the copy is there: the failed Job itself is not marked."""
        return _copy(request, services) is not None

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the copy that would be made."""
        if _copy(request, services) is not None:
            return Outcome(
                "unchanged", f"change nothing: {request.target} was already run again for this."
            )
        failed = _read(request, services)
        _refuse_unless_failed(failed, request)
        _refuse_if_forbidden(failed, services)
        name = _copy_name(request, failed.uid)
        return Outcome(
            "planned", f"run {request.target} again as {name}.", plan=[_change(request, name)]
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Make the copy, and watch it until it has done its work.

        Raises
        ------
        RolloutFailed
            If the copy fails, too.
        """
        copy = _copy(request, services)
        if copy is None:
            failed = _read(request, services)
            _refuse_unless_failed(failed, request)
            _refuse_if_forbidden(failed, services)
            name = _copy_name(request, failed.uid)
            make_copy(failed, name, request, services)
            copy = _copy(request, services)
        else:
            name = copy.name
            _let_go_if_there(copy, request, services)
        while copy is None or not (copy.complete or copy.failed):
            if services.clock.remaining() < POLL_SECONDS:
                break
            services.clock.sleep(POLL_SECONDS)
            copy = _copy(request, services)
        if copy is not None and copy.failed:
            raise RolloutFailed(
                f"job {copy.namespace}/{name}, the second run of {request.target}, failed, too "
                f"({copy.why_failed}). See 'kubectl -n {copy.namespace} logs job/{name}'."
            )
        done = copy is not None and copy.complete
        return Outcome(
            "succeeded" if done else "in_progress",
            f"{request.target} {'was run' if done else 'runs'} again as {name}.",
            changed=True,
            details={"job": name},
            plan=[_change(request, name)],
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: the copy has done its work."""
        copy = _copy(request, services)
        if copy is None:
            why = f"{request.target} was not run again"
        elif copy.complete:
            return Outcome("succeeded", f"job {copy.name} has done its work.", healthy=True)
        else:
            why = f"job {copy.name} {copy.why_failed or 'is still at work'}"
        return Outcome("unhealthy", f"{why}.", details={"reasons": [why]}, healthy=False)

    def undo(self, request: Request, services: Services) -> Outcome:
        """Stop the copy, if it still runs."""
        copy = _copy(request, services)
        if copy is None or copy.complete or copy.failed or copy.suspended:
            why = f"no run of {request.target} goes on for this incident: there is nothing to stop"
            if copy is not None and copy.suspended:
                why = f"job {copy.name} is stopped already; what it did is not taken back"
            answer = Outcome("unchanged", f"{why}.")
        else:
            patch_unless_changed(services.cluster, copy, {"spec": {"suspend": True}})
            answer = Outcome(
                "succeeded",
                f"job {copy.name} was stopped; what it did is not taken back.",
                changed=True,
                plan=[Change("Job", f"{copy.namespace}/{copy.name}", "spec.suspend", False, True)],
            )
        _let_go_if_there(copy, request, services)
        return answer


def _read(request: Request, services: Services) -> Job:
    target = request.target
    return cast(Job, services.cluster.read("job", target.namespace or "", target.name))


def _copy(request: Request, services: Services) -> Job | None:
    """The copy that this step made, if it has made one; the failed Job may have gone since."""
    # Requests from before targets had an identity do not say it.
    uid = request.target.uid or _read(request, services).uid
    name, namespace = _copy_name(request, uid), request.target.namespace or ""
    try:
        found = cast(Job, services.cluster.read("job", namespace, name))
    except TargetNotFound:
        return None
    if marks.recorded(found, request) != {"of": uid}:
        raise ActionRefused(
            f"job {namespace}/{name} is not a run of {request.target} that this incident "
            f"started: somebody else made one of that name. It is left alone."
        )
    return found


def _let_go_if_there(copy: Job | None, request: Request, services: Services) -> None:
    """Take this step's label off the failed Job, which may have gone."""
    with suppress(TargetNotFound):
        failed = _read(request, services)
        let_go(failed, copy.name if copy else _copy_name(request, failed.uid), services)


def _refuse_if_forbidden(failed: Job, services: Services) -> None:
    """Stop before a run that the CronJob would not start itself."""
    owner = cronjob_of(failed)
    if owner is None:
        return
    cronjob = owner.read(services.cluster)
    if cronjob.spec.get("suspend") is True:
        raise ActionRefused(
            f"{name_of(cronjob)} is suspended: somebody does not want it to run, so no Job of it "
            f"is run again."
        )
    policy = cronjob.spec.get("concurrencyPolicy")
    active = [str(each.get("name")) for each in cronjob.status.get("active") or []]
    if policy in ("Forbid", "Replace") and active:
        raise ActionRefused(
            f"{name_of(cronjob)} allows one run at a time (concurrencyPolicy {policy}), and "
            f"{' and '.join(active)} is at work: nothing is run beside it."
        )


def _refuse_unless_failed(job: Job, request: Request) -> None:
    if not job.failed:
        state = "has done its work" if job.complete else "is still at work"
        raise ActionRefused(f"{request.target} {state}: only a failed Job is run again.")


def _copy_name(request: Request, uid: str) -> str:
    digest = hashlib.sha256(f"{request.token}\n{uid}".encode()).hexdigest()[:10]
    return f"{request.target.name[: _LONGEST_NAME - 11].rstrip('.-')}-{digest}"


def _change(request: Request, name: str) -> Change:
    return Change("Job", f"{request.target.namespace}/{name}", "metadata.name", None, name)


ACTION = RerunJob()
