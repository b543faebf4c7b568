"""The two bounds of an autoscaler as things that incidents hold, and how they depend on each other.

A maximum cannot go below the minimum. Where both are raised and the maximum is let go first it goes
back as far as the minimum allows; the rest follows once the minimum goes back.
"""

from __future__ import annotations

from runbook_action.holding import Holding
from runbook_action.leases import thing_of
from runbook_action.objects import Autoscaler
from runbook_action.ports import Services
from runbook_action.request import Request

_KIND = "horizontalpodautoscaler"
_MINIMUM, _MAXIMUM = "minReplicas", "maxReplicas"


def minimum_holding(request: Request, services: Services, autoscaler: Autoscaler) -> Holding:
    """This step's part in the lease of an autoscaler's minimum."""
    return _holding(request, services, autoscaler, _MINIMUM)


def maximum_holding(request: Request, services: Services, autoscaler: Autoscaler) -> Holding:
    """This step's part in the lease of an autoscaler's maximum."""
    return _holding(request, services, autoscaler, _MAXIMUM)


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
    where = (services.cluster_name, request.target.namespace, _KIND, name)
    for field in (_MINIMUM, _MAXIMUM):
        Holding(services.leases, services.clock, thing_of(*where, field), request.token).end()


def _holding(request: Request, services: Services, autoscaler: Autoscaler, field: str) -> Holding:
    where = (services.cluster_name, autoscaler.namespace, _KIND, autoscaler.name)
    thing = thing_of(*where, field)
    return Holding(services.leases, services.clock, thing, request.token, autoscaler.uid)
