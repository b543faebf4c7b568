"""A Kubernetes Event on the target, so that ``kubectl describe`` tells what was done to it.

It holds only what this function made or checked itself: the incident's id, the step, the action,
the operation and how it ended. Nothing of an alert's text, and no message of an error, reaches
it. Its name is made of these, so that a repeated call writes it once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from runbook_action.errors import ClusterConflict, FinalError
from runbook_action.kinds import KINDS
from runbook_action.objects import KubernetesObject
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.request import Request

REPORTER = "sre-platform/runbook-action"
# An event of an object without a namespace has to be in this one.
CLUSTER_NAMESPACE = "default"
_NOTE_BYTES = 1024  # the API's own limit


def tell_of(request: Request, result: Outcome | FinalError, services: Services) -> None:
    """Write the event of an ``execute`` or ``undo`` that has come to its end.

    A step that only looked, changed nothing, or goes on has none.

    Parameters
    ----------
    request
        What was asked for.
    result
        How it ended.
    services
        The cluster of the target.

    Raises
    ------
    RunbookActionError
        If the target could not be read or the event not be written.
    """
    if request.operation not in ("execute", "undo"):
        return
    if isinstance(result, Outcome) and result.status != "succeeded":
        return
    target = request.target
    found = services.cluster.read(target.kind, target.namespace or "", target.name)
    with suppress(ClusterConflict):  # an earlier call for the same incident wrote it
        services.cluster.create_event(
            found.namespace or CLUSTER_NAMESPACE, _event(request, result, found, services)
        )


def _event(
    request: Request, result: Outcome | FinalError, found: KubernetesObject, services: Services
) -> Mapping[str, Any]:
    failed = isinstance(result, FinalError)
    ended = f"failed: {type(result).__name__}" if failed else "succeeded"
    identity = "\n".join((request.token, request.action, request.operation, ended, found.uid))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    regarding = {
        "apiVersion": KINDS[found.kind].api_version,
        "kind": found.kind_name,
        "name": found.name,
        "uid": found.uid,
    }
    if found.namespace:
        regarding["namespace"] = found.namespace
    note = (
        f"{request.operation} of {request.action} for incident {request.incident_id}, step "
        f"{request.step}, {ended}. "
        f"See 'srectl incidents' for the whole story."
    )
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{found.name[:200].rstrip('.-')}.{digest}",
            "namespace": found.namespace or CLUSTER_NAMESPACE,
        },
        "eventTime": services.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Warning" if failed else "Normal",
        "reason": _reason(request, failed=failed),
        "action": request.action,
        "note": note[:_NOTE_BYTES],
        "regarding": regarding,
        "reportingController": REPORTER,
        "reportingInstance": "runbook-action",
    }


def _reason(request: Request, *, failed: bool) -> str:
    if failed:
        return "RemediationFailed"
    return "RemediationUndone" if request.operation == "undo" else "Remediation"
