"""Does the admission policy hold remediation to the fields that its actions write?

runbook-action tries on a workload what RBAC lets it and the policy must refuse (a label), as a dry
run, of which nothing stays: let through, the policy or its binding is not there. Nothing is read of
the policy itself, for which the role has no right.
"""

from __future__ import annotations

from collections.abc import Iterator

from srectl.operate.doctor.check import Check
from srectl.operate.doctor.cluster import GRANTS, unseen
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked

__all__ = ["CHECK"]

_POLICY = "sre-remediation-fields"
_LOOK = f"kubectl get validatingadmissionpolicy,validatingadmissionpolicybinding {_POLICY}"


def look(deployment: Deployment) -> Iterator[Finding]:
    """Say of each cluster whether the policy stood in the way."""
    for cluster, said in deployment.inspections.items():
        hidden = unseen(cluster, said)
        where = f"cluster {cluster}"
        if hidden is not None:
            yield hidden
        elif said["held"] is None:
            yield not_checked(
                where,
                f"the policy could be tried on nothing: {said['tried']}",
                f"{_LOOK}; any workload in AllowedNamespaces will do",
            )
        elif said["held"]:
            yield fine(
                where,
                f"the admission policy {_POLICY} holds remediation to its fields (tried on "
                f"{said['tried']})",
            )
        else:
            yield failed(
                where,
                f"the admission policy {_POLICY} does not hold: nothing but RBAC, which knows no "
                "fields, limits what remediation writes",
                f"{_LOOK}; kubectl apply -f eks/apps/base/remediation-policy.yaml",
            )


CHECK = Check(
    "admission",
    "the admission policy of remediation, by a dry run that it must refuse",
    GRANTS,
    look,
)
