"""Whether what a step put on a pod template was there and has been replaced by somebody.

A repeated call must not put it there again: whoever replaced it has chosen so. The mark on the
metadata tells, where it is one write with the template; ``kubectl rollout undo`` of a Deployment
takes that along, with all annotations of the revision it goes back to. So the history is asked,
too: a revision whose template names the step has been the current one.
"""

from __future__ import annotations

from runbook_action import marks
from runbook_action.errors import ActionRefused
from runbook_action.history import digest_of, revisions_of
from runbook_action.objects import Workload
from runbook_action.ports import Cluster
from runbook_action.request import Request
from runbook_action.reverted import reverted_by
from runbook_action.rollout import is_restarted, refuse_if_reverted


def refuse_if_replaced(
    cluster: Cluster, workload: Workload, request: Request, *, one_write: bool = True
) -> None:
    """Stop where this step has replaced the pods, and its template is not there any more.

    Parameters
    ----------
    cluster, workload
        Where it runs, and as it was just read.
    one_write
        Whether the step's mark and its template are one write, so that the mark alone tells.

    Raises
    ------
    ChangeReverted
        The message names who has put another template.
    """
    if is_restarted(workload, request):
        return
    marked = one_write and marks.recorded(workload, request) is not None
    if marked or _in_history(cluster, workload, request):
        refuse_if_reverted(request.target, reverted_by(workload, "spec", "template"))


def refuse_if_deployed_since(workload: Workload, request: Request) -> None:
    """Stop where somebody has deployed since the incident was taken up, which is not its cause.

    A later rung of a ladder comes minutes after the first, and people repair meanwhile.

    Raises
    ------
    ActionRefused
        If neither ``resolve`` nor a step of the incident has left the template that is there.
    """
    known = {request.template, *marks.noted(workload, request.incident_id, "template")}
    if request.template and digest_of(workload.template) not in known:
        raise ActionRefused(
            f"somebody has deployed another pod template of {request.target} since this incident "
            f"was taken up: whether that one is to be rolled back is theirs to say."
        )


def _in_history(cluster: Cluster, workload: Workload, request: Request) -> bool:
    """Whether an earlier template of a Deployment names the step; of others the mark stays."""
    if workload.kind != "deployment":
        return False
    return any(
        request.token
        in marks.tokens(each.template_annotations, marks.RESTARTED_FOR, request.incident_id)
        for each in revisions_of(cluster, workload)
    )
