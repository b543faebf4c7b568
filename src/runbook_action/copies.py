"""The copy of a failed Job, as the admission policy lets it pass (``remediation-copies.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from runbook_action import marks
from runbook_action.errors import AccessDenied, ClusterConflict, ClusterRejected, TargetNotFound
from runbook_action.objects import Job
from runbook_action.ports import Services
from runbook_action.request import Request
from runbook_action.unchanged import patch_unless_changed

# On the failed Job, with the copy's name; and on the copy.
RUN_AGAIN = "sre-platform/run-again"
COPY = "sre-platform/copy"
_POLICY = "sre-remediation-copies"
# The API server hears of the label a moment after it has taken it.
_HEARS_SECONDS = 0.2
_HEARS_WITHIN = 15
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


def make_copy(failed: Job, name: str, request: Request, services: Services) -> None:
    """Make it while the failed Job says that it is run again.

    Parameters
    ----------
    failed
        What is copied.
    name
        Of the copy.

    Raises
    ------
    AccessDenied, ClusterRejected
        If the policy does not let it pass.
    ClusterConflict
        If another Job's label is in its way, which the message names: it may go by itself.
    """
    _take_off_what_was_left(failed, services)
    label = {"metadata": {"labels": {RUN_AGAIN: name}}}
    labelled = patch_unless_changed(services.cluster, failed, label)
    try:
        _create(failed, name, request, services)
    finally:
        let_go(labelled, name, services)


def _create(failed: Job, name: str, request: Request, services: Services) -> None:
    """Create it, as soon as the policy has heard of the label."""
    for waits in range(_HEARS_WITHIN):
        try:
            with suppress(ClusterConflict):  # made by a call whose answer was lost
                services.cluster.create("job", failed.namespace, _manifest(failed, name, request))
        except (AccessDenied, ClusterRejected) as error:  # the latter where none bears it
            if _POLICY not in str(error):
                raise
            if waits == _HEARS_WITHIN - 1:
                _say_what_is_in_the_way(failed, error, services)
                raise
            services.clock.sleep(_HEARS_SECONDS)
        else:
            return


def _take_off_what_was_left(failed: Job, services: Services) -> list[str]:
    """Take off the labels that have done their work; give the names of who bears others.

    Each Job that bears one has to be what is copied: one is in the way of all others.
    """
    others = []
    for each in services.cluster.list("job", failed.namespace, RUN_AGAIN):
        name = each.labels.get(RUN_AGAIN)
        if not name or each.uid == failed.uid:
            continue
        try:
            services.cluster.read("job", failed.namespace, name)
        except TargetNotFound:
            others.append(each.name)
        else:
            let_go(cast(Job, each), name, services)
    return others


def _say_what_is_in_the_way(failed: Job, error: Exception, services: Services) -> None:
    """Name the labels that are not one's own; what makes another copy at this moment passes."""
    if others := _take_off_what_was_left(failed, services):
        raise ClusterConflict(
            f"{error} The label {RUN_AGAIN} of another run is in the way, which goes on or was "
            f"given up: if none goes on, 'kubectl -n {failed.namespace} label job "
            f"{' '.join(others)} {RUN_AGAIN}-'."
        ) from error


def let_go(failed: Job, name: str, services: Services) -> None:
    """Take the label off that names a copy."""
    if failed.labels.get(RUN_AGAIN) == name:
        patch_unless_changed(services.cluster, failed, {"metadata": {"labels": {RUN_AGAIN: None}}})


def _manifest(failed: Job, name: str, request: Request) -> dict[str, Any]:
    template = dict(failed.template)
    template["metadata"] = _without_controller(template.get("metadata") or {})
    spec = {key: value for key, value in failed.spec.items() if key not in _OF_ONE_RUN}
    owners = [{**owner, "blockOwnerDeletion": False} for owner in failed.owners]
    return {
        "metadata": {
            "labels": {**_without_controller({"labels": failed.labels})["labels"], COPY: "true"},
            "name": name,
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
