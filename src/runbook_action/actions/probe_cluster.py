"""``probe_cluster``: could a remediation act, if one had to? Changes nothing.

It goes the whole way of a remediation (role, signed token, access entry, API server) and asks the
API server there whether each right that remediations need is granted in the target's namespace
(SelfSubjectAccessReview). The target's name is not looked at: it gives the probe a guard of its
own, so that it never stands in the way of a remediation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook_action.actions.base import Defaults
from runbook_action.errors import AccessDenied
from runbook_action.outcome import Outcome
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind

#: What the shipped Role grants (eks/apps/base/remediation-rbac.yaml).
RIGHTS = (
    Right("apps", "deployments", "get"),
    Right("apps", "deployments", "patch"),
    Right("apps", "replicasets", "list"),
    Right("autoscaling", "horizontalpodautoscalers", "list"),
    Right("autoscaling", "horizontalpodautoscalers", "patch"),
    Right("", "pods", "list"),
    # To find the target (operation resolve).
    Right("", "namespaces", "get"),
    Right("", "pods", "get"),
    Right("apps", "replicasets", "get"),
    Right("events.k8s.io", "events", "create"),
)


@dataclass(frozen=True)
class ProbeCluster(Defaults):
    """Ask the cluster whether remediation has its rights."""

    name: str = "probe_cluster"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """Remediations act on Deployments."""
        return frozenset({"deployment"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """None of its own: whoever is known to the cluster may ask what is granted."""
        return {}

    @property
    def can_undo(self) -> bool:
        """No: there is nothing to undo."""
        return False

    def plan(self, request: Request, services: Services) -> Outcome:
        """Say that nothing would change; asks the cluster too, so that observing proves as much."""
        return self.execute(request, services)

    def execute(self, request: Request, services: Services) -> Outcome:
        """Ask for every right.

        Raises
        ------
        AccessDenied
            If one is missing: no remediation could be carried through.
        """
        missing = _missing(request, services)
        if missing:
            raise AccessDenied(
                f"in namespace {request.target.namespace} the cluster does not let remediation "
                f"{_listed(missing)}. Apply eks/apps/base/remediation-rbac.yaml, and check that "
                f"the access entry of the role names its group."
            )
        return Outcome(
            "unchanged",
            f"change nothing: remediation has all its {len(RIGHTS)} rights in namespace "
            f"{request.target.namespace}.",
            details={"rights": len(RIGHTS)},
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: every right is there."""
        missing = _missing(request, services)
        if missing:
            return Outcome(
                "unhealthy",
                f"remediation may not {_listed(missing)} in namespace {request.target.namespace}.",
                healthy=False,
            )
        return Outcome(
            "succeeded",
            f"remediation has all its rights in namespace {request.target.namespace}.",
            healthy=True,
        )

    def undo(self, request: Request, services: Services) -> Outcome:  # noqa: ARG002 - needs neither
        """Nothing was changed."""
        return Outcome("unchanged", "nothing was changed, so there is nothing to undo.")


def _missing(request: Request, services: Services) -> list[Right]:
    namespace = request.target.namespace or ""
    return [right for right in RIGHTS if not services.cluster.allows(namespace, right)]


def _listed(rights: list[Right]) -> str:
    return ", ".join(f"{right.verb} {right.resource}" for right in rights)


ACTION = ProbeCluster()
