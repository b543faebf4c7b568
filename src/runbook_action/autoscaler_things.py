"""The two bounds of an autoscaler as things that incidents hold, and how they depend on each other.

A maximum cannot go below the minimum. Where both are raised and the maximum is let go first it goes
back as far as the minimum allows; the rest follows once the minimum goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runbook_action.errors import ActionRefused
from runbook_action.holding import Holding
from runbook_action.lease_answers import Return
from runbook_action.leases import thing_of
from runbook_action.objects import Autoscaler, KubernetesObject
from runbook_action.ports import Cluster, Services
from runbook_action.request import Request, Target
from runbook_action.resolve.owners import managers_of, name_of

_KIND = "horizontalpodautoscaler"
_MINIMUM, _MAXIMUM = "minReplicas", "maxReplicas"


def autoscalers_of(cluster: Cluster, workload: KubernetesObject | Target) -> Sequence[Autoscaler]:
    """Give what says how many pods a workload has: of two, nobody knows which has the last word.

    A target need not be there for it.
    """
    found = cluster.autoscalers(workload.namespace or "")
    return [each for each in found if each.scales(workload.kind, workload.name)]


def named(cluster: Cluster, namespace: str, name: str) -> Autoscaler | None:
    """Read an autoscaler that need not be there, whatever it scales by now."""
    return next((each for each in cluster.autoscalers(namespace) if each.name == name), None)


def refuse_unless_its_own(found: Sequence[Autoscaler], workload: KubernetesObject) -> None:
    """Stop before a minimum is raised that would not stand.

    Parameters
    ----------
    found
        What scales the workload.

    Raises
    ------
    ActionRefused
        If several autoscalers scale the workload, or what scales it is made by something else, such
        as a KEDA ScaledObject, which writes its own minimum again.
    """
    if len(found) > 1:
        raise ActionRefused(
            f"{name_of(workload)} is scaled by {' and '.join(map(name_of, found))}, each of which "
            f"would take back what is set for another: none is changed. Leave it one autoscaler."
        )
    for each in found:
        refuse_if_managed(each, "minimum")


def refuse_if_managed(autoscaler: Autoscaler, bound: str) -> None:
    """Stop before a bound is raised that something else writes again.

    Parameters
    ----------
    bound
        In words: "minimum".

    Raises
    ------
    ActionRefused
        If the autoscaler is made by something else, such as a KEDA ScaledObject.
    """
    if by := managers_of(autoscaler):
        raise ActionRefused(
            f"{name_of(autoscaler)}, which scales {autoscaler.scaled_as_spelled}, is managed by "
            f"{' and '.join(by)}: that would take a higher {bound} back. Raise it there."
        )


def minimum_holding(request: Request, services: Services, autoscaler: Autoscaler) -> Holding:
    """This step's part in the lease of an autoscaler's minimum."""
    return _holding(request, services, autoscaler.name, _MINIMUM, autoscaler.uid)


def maximum_holding(request: Request, services: Services, autoscaler: Autoscaler) -> Holding:
    """This step's part in the lease of an autoscaler's maximum."""
    return _holding(request, services, autoscaler.name, _MAXIMUM, autoscaler.uid)


def minimum_of(request: Request, services: Services, name: str) -> Holding:
    """The same of one that need not be there, known by its name in the target's namespace."""
    return _holding(request, services, name, _MINIMUM)


def maximum_of(request: Request, services: Services, name: str) -> Holding:
    """The same for a maximum."""
    return _holding(request, services, name, _MAXIMUM)


def why_not_lower(
    request: Request, services: Services, autoscaler: Autoscaler, answer: Return
) -> str:
    """Say, as the end of a sentence, what keeps a maximum above its value from before, if anything.

    Parameters
    ----------
    autoscaler
        It as it was read.
    answer
        What ``let_go`` of its maximum said.
    """
    if answer.not_yet is None:
        return ""
    minimum = autoscaler.min_replicas
    # Of nobody: so the other steps of this incident are among those who hold it.
    anybody = minimum_holding(replace(request, incident_id=""), services, autoscaler)
    if holders := anybody.others(minimum):
        who = f"held by {', '.join(holders)}: it goes to {answer.not_yet} with that one"
    else:
        who = (
            f"which no incident holds: nobody brings the maximum back to {answer.not_yet}, so "
            f"lower it once the minimum allows it"
        )
    return f", as low as its minimum of {minimum} allows, {who}"


def lower_maximum(request: Request, services: Services, autoscaler: Autoscaler) -> None:
    """Bring a maximum the rest of the way back that nobody holds, as far as the minimum allows.

    Parameters
    ----------
    autoscaler
        It as it is now, its minimum lowered.
    """
    holding = maximum_holding(request, services, autoscaler)
    value = holding.later_give_back(autoscaler.max_replicas, autoscaler.min_replicas)
    if value is None:
        return
    if value != autoscaler.max_replicas:
        services.cluster.patch(autoscaler, {"spec": {"maxReplicas": int(value)}})
    holding.gave_back()


def forget_gone(request: Request, services: Services, name: str) -> None:
    """End the leases of an autoscaler that is there no more.

    Parameters
    ----------
    name
        Its name, in the namespace of the request's target.
    """
    for field in (_MINIMUM, _MAXIMUM):
        _holding(request, services, name, field).end()


def _holding(request: Request, services: Services, name: str, field: str, uid: str = "") -> Holding:
    thing = thing_of(services.cluster_name, request.target.namespace, _KIND, name, field)
    return Holding(services.leases, services.clock, thing, request.token, uid)
