"""``rollback_workload``: back to the pod template of an earlier revision.

Like ``kubectl rollout undo``, with two differences. Revisions that differ from the current one
only by a restart are skipped: they would bring back the very template that is broken. And the
template gets the marks of a restart, by which its pods are told from those it replaces.

One write carries the marks and the template, so there is no halfway. The mark on the workload keeps
the fingerprint of the template that was put: who deploys something else later leaves the marks of
the restart on it (``kubectl apply`` and ``kubectl set image`` do), and that must not be undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.blast_radius import READY_FIELDS, refuse_if_too_few_stay_ready
from runbook_action.errors import ActionRefused
from runbook_action.fields import Field, IntegerField, TextField
from runbook_action.history import (
    KEEPERS,
    bare,
    digest_of,
    revisions_of,
    said_to_us,
    versions_before,
)
from runbook_action.objects import Revision, Workload
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Right, Services
from runbook_action.replaced import refuse_if_deployed_since, refuse_if_replaced
from runbook_action.request import Request, TargetKind
from runbook_action.reverted import reverted_by
from runbook_action.rights import rights, rolling
from runbook_action.rollout import (
    is_restarted,
    read_workload,
    refuse_if_it_cannot_roll,
    refuse_if_paused,
    refuse_if_reverted,
    restart_change,
    restart_patch,
    verdict,
    watched,
    write_unless_changed,
)
from runbook_action.template_changes import template_changes

_HIGHEST_REVISION = 2**31
#: In the mark: fingerprint of the template that was put.
_PUT = "template"


@dataclass(frozen=True)
class RollbackWorkload(Defaults):
    """Roll back to an earlier revision; undo rolls forward again."""

    name: str
    target_kinds: frozenset[TargetKind]

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """The revisions besides."""
        return {
            kind: (*rolling(kind), *rights(KEEPERS[kind], "list")) for kind in self.target_kinds
        }

    @property
    def fields(self) -> Mapping[str, Field]:
        """``to_revision``, or the newest one that differs by more than a restart."""
        return {"to_revision": IntegerField(1, _HIGHEST_REVISION), **READY_FIELDS}

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The revision to go forward to again, and from which template only."""
        return {
            "from_revision": IntegerField(1, _HIGHEST_REVISION, required=True),
            _PUT: TextField(),
        }

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show what the rollback would bring back."""
        workload = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(workload, request.target)
        if is_restarted(workload, request):
            return Outcome(
                "unchanged",
                f"change nothing: {request.target} was already rolled back for this incident.",
            )
        refuse_if_deployed_since(workload, request)
        refuse_if_too_few_stay_ready(workload, request)
        before, wanted = self._earlier(request, services, workload)
        return Outcome(
            "planned",
            f"roll {request.target} back from revision {before} to {wanted.revision}.",
            plan=template_changes(workload, wanted.template),
            undo=self._undo(before, digest_of(wanted.template)),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Put the earlier template in place, and watch the rollout."""
        workload = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(workload, request.target)
        refuse_if_reverted(request.target, _reverted(workload, marks.recorded(workload, request)))
        refuse_if_replaced(services.cluster, workload, request)
        if is_restarted(workload, request):
            previous = _recorded(workload, request)
            before, after = previous["from_revision"], previous.get("to_revision")
            changes = [_by_number(workload, before, after)]
        else:
            refuse_if_deployed_since(workload, request)
            refuse_if_too_few_stay_ready(workload, request)
            before, wanted = self._earlier(request, services, workload)
            changes = template_changes(workload, wanted.template)
            after = wanted.revision
            previous = {
                "from_revision": before,
                "to_revision": after,
                _PUT: digest_of(wanted.template),
            }
            self._put(request, services, workload, wanted, previous)
        return watched(
            services,
            request.target,
            f"Revision {before} was replaced by the template of revision {after}",
            changes,
            undo=self._undo(before, previous[_PUT]),
            reverted=lambda found: _reverted(found, previous),
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: rollout complete, replicas ready, no container stuck."""
        workload = read_workload(services.cluster, request.target)
        why = _reverted(workload, marks.recorded(workload, request))
        return verdict(services, request.target, [why] if why else [], {})

    def undo(self, request: Request, services: Services) -> Outcome:
        """Roll forward to the template from before this incident, unless another came since."""
        target = request.target
        workload = read_workload(services.cluster, target)
        undone = is_restarted(workload, request, undoing=True)
        if not undone and not is_restarted(workload, request):
            return Outcome(
                "unchanged",
                f"No rollback for this incident is marked on {target}: there is nothing to take "
                f"back.",
            )
        recorded = _recorded(workload, request)
        before = recorded["from_revision"]
        changes = [_by_number(workload, recorded.get("to_revision"), before)]
        if not undone:
            if why := _reverted(workload, recorded):
                return Outcome(
                    "unchanged",
                    f"The template of {target} is no longer the one that this incident rolled it "
                    f"back to, {why}: somebody has deployed another since, which is left alone.",
                )
            refuse_if_paused(workload, target)
            known = revisions_of(services.cluster, workload)
            wanted = next((each for each in known if each.revision == before), None)
            if wanted is None:
                raise ActionRefused(
                    f"revision {before} of {target} is no longer in its history: it cannot be "
                    f"brought back. Deploy it again from its source."
                )
            changes = template_changes(workload, wanted.template)
            self._put(request, services, workload, wanted, recorded, undoing=True)
        return watched(services, target, f"The template of revision {before} is back", changes)

    def _put(
        self,
        request: Request,
        services: Services,
        workload: Workload,
        wanted: Revision,
        previous: Mapping[str, Any],
        *,
        undoing: bool = False,
    ) -> None:
        restart = restart_change(services, workload, request, undoing=undoing)
        patch = restart_patch(workload, restart, request, undoing=undoing)
        template = bare(wanted.template)
        template["metadata"]["annotations"] |= said_to_us(workload.template) | {
            key: value
            for key, value in patch["spec"]["template"]["metadata"]["annotations"].items()
            if value is not None
        }
        annotations = marks.mark(workload, request, previous)
        write_unless_changed(
            services.cluster,
            workload,
            lambda current: services.cluster.replace(
                current,
                {
                    "/metadata/annotations": {**current.annotations, **annotations},
                    "/spec/template": template,
                },
            ),
        )

    def _undo(self, before: int, put: str) -> Undo:
        return Undo(self.name, {"from_revision": before, _PUT: put})

    @staticmethod
    def _earlier(request: Request, services: Services, workload: Workload) -> tuple[int, Revision]:
        """Number of the current revision, and the one to go back to."""
        asked = request.parameters.get("to_revision")
        history = revisions_of(services.cluster, workload)
        # A Deployment says which one it is at; of the others it is the newest.
        current = workload.revision or max((each.revision for each in history), default=0)
        older, left = versions_before(history, workload.template, current)
        earlier = older
        if asked is not None:
            earlier = [each for each in (*older, *left) if each.revision == asked]
        if left and not earlier and asked is None:
            raise ActionRefused(
                f"{request.target} has been rolled back already, from revision "
                f"{left[0].revision}, and no version in its history is older than the one that "
                f"it went back to: there is nothing to roll back to."
            )
        if earlier:
            return current, earlier[0]
        wanted = f"revision {asked}" if asked is not None else "earlier revision"
        raise ActionRefused(
            f"{request.target} has no {wanted} in its history that differs from the current one "
            f"by more than a restart: there is nothing to roll back to."
        )


def _by_number(workload: Workload, before: object, after: object) -> Change:
    """What an earlier call has changed, of which the template tells no more than that it is so."""
    name = f"{workload.namespace}/{workload.name}"
    return Change(workload.kind_name, name, "revision", before, after)


def _reverted(workload: Workload, recorded: Mapping[str, Any] | None) -> str:
    """Say who put another template there than the one that this step did; empty if nobody did."""
    put = (recorded or {}).get(_PUT)
    if not isinstance(put, str) or put == digest_of(workload.template):
        return ""
    return reverted_by(workload, "spec", "template")


def _recorded(workload: Workload, request: Request) -> Mapping[str, Any]:
    """What this step wrote down, on the workload or else in its own answer.

    Raises
    ------
    ActionRefused
        If neither says what was there before and what was put.
    """
    for found in (marks.recorded(workload, request), request.undo):
        before = (found or {}).get("from_revision")
        if found and type(before) is int and before > 0 and isinstance(found.get(_PUT), str):
            return found
    raise ActionRefused(
        f"{request.target} was rolled back for this incident, but its annotation {marks.PREVIOUS}, "
        f"which says from where and to what, is gone or was changed: it is left as it is. See "
        f"'kubectl -n {workload.namespace} rollout history {workload.kind}/{workload.name}'."
    )


ACTION = RollbackWorkload("rollback_workload", frozenset({"deployment", "statefulset"}))
