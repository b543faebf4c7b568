"""``probe_cluster``: could a remediation act, if one had to? Changes nothing.

It goes the whole way of a remediation (role, signed token, access entry, API server) and asks the
API server there for each right that the published runbooks need in the target's namespace
(SelfSubjectAccessReview). What they need beyond namespaces is not asked for: nodes are opt-in. The
target's name is not looked at: it gives the probe a guard of its own, so that it never stands in
the way of a remediation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook_action.actions.base import Defaults
from runbook_action.errors import AccessDenied
from runbook_action.outcome import Outcome
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind


@dataclass(frozen=True)
class ProbeCluster(Defaults):
    """Ask the cluster whether remediation has its rights."""

    name: str = "probe_cluster"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """Remediations act on Deployments."""
        return frozenset({"deployment"})

    @property
    def aws_rights(self) -> Sequence[str]:
        """The published catalogue."""
        return ("dynamodb:Scan",)

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """None of its own: whoever is known to the cluster may ask what is granted."""
        return {}

    @property
    def can_undo(self) -> bool:
        """No: there is nothing to undo."""
        return False

    @property
    def changes(self) -> bool:
        """No: it asks."""
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
        asked = _needed(request, services)
        missing = _missing(asked, request, services)
        if missing:
            raise AccessDenied(
                f"in namespace {request.target.namespace} the cluster does not let remediation "
                f"{_listed(missing)}. Apply what 'srectl runbooks rbac' prints for the published "
                f"catalogue (eks/apps/base/remediation-rbac.yaml), and check that the access "
                f"entry of the role names its group."
            )
        return Outcome(
            "unchanged",
            f"change nothing: remediation has all its {len(asked)} rights in namespace "
            f"{request.target.namespace}.",
            details={"rights": len(asked)},
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: every right is there."""
        missing = _missing(_needed(request, services), request, services)
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


def _needed(request: Request, services: Services) -> list[Right]:
    # Not at the top: this is one of the actions that the registry is made of.
    from runbook_action.actions import REGISTRY
    from runbook_action.needs import needs_of

    namespace = request.target.namespace or ""
    within, _ = needs_of(services.catalogue.definitions(), REGISTRY, [namespace])
    return list(within.get(namespace, {}))


def _missing(asked: Sequence[Right], request: Request, services: Services) -> list[Right]:
    namespace = request.target.namespace or ""
    return [right for right in asked if not services.cluster.allows(namespace, right)]


def _listed(rights: list[Right]) -> str:
    return ", ".join(f"{right.verb} {right.resource}" for right in rights)


ACTION = ProbeCluster()
