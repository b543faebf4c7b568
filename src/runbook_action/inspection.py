"""Operation ``inspect``: could remediation act on a cluster, and is it held to its fields?

For ``srectl doctor``. Changes nothing, and needs no incident: the function is asked because only it
goes the way of a remediation (its role, the remediation role, the signed token, the access entry).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from runbook_action.actions import REGISTRY
from runbook_action.errors import InvalidRequest, RunbookActionError
from runbook_action.kinds import KindWord
from runbook_action.needs import needs_of
from runbook_action.objects import KubernetesObject
from runbook_action.ports import Services
from runbook_action.resolve.owners import name_of, owner_of_pod
from runbook_action.rights import WORKLOADS
from runbook_action.steps import steps_of

__all__ = ["InspectRequest", "inspect", "parse_inspect"]

_NODE_EVENTS = "default"  # Kubernetes takes events of nodes only there
_TRIED = 8  # workloads at most, where one after the other cannot be tried


@dataclass(frozen=True)
class InspectRequest:
    """Which cluster is asked about; None is the default one."""

    cluster: str | None
    operation: str = "inspect"
    action: str = "none"


def parse_inspect(event: Mapping[str, Any]) -> InspectRequest:
    """Turn the function's input into a request.

    Parameters
    ----------
    event
        ``{operation: "inspect", cluster}``: label or name of a cluster, or null.

    Raises
    ------
    InvalidRequest
        The cluster is no text.
    """
    cluster = event.get("cluster")
    if cluster is not None and not isinstance(cluster, str):
        raise InvalidRequest(f"cluster must be a text or null, not {cluster!r}")
    return InspectRequest(cluster or None)


def inspect(services: Services, namespaces: Sequence[str]) -> dict[str, Any]:
    """Ask a cluster for every right that the published catalogue needs, and for the policy.

    Parameters
    ----------
    services
        Of the cluster.
    namespaces
        Those that may be changed.

    Returns
    -------
    dict
        ``asked``: how many rights; ``missing``: those that are not granted, each with ``verb``,
        ``group``, ``resource``, ``where`` (see ``ports.Right``), ``namespace`` (empty for all) and
        ``by``, the actions that need it; ``held``: whether the admission policy is at work, or null
        where that could not be tried; ``tried``: on what, or why not.
    """
    definitions = list(services.catalogue.definitions())
    within, beyond = needs_of(definitions, REGISTRY, namespaces)
    wanted = [
        (namespace, right, by)
        for namespace, needs in sorted(within.items())
        for right, by in needs.items()
    ]
    wanted += [
        (_NODE_EVENTS if right.where == "default" else "", right, by)
        for right, by in beyond.items()
    ]
    missing = [
        {
            "verb": right.verb,
            "group": right.group,
            "resource": right.resource,
            "where": right.where,
            "namespace": namespace,
            "by": sorted(set(by)),
        }
        for namespace, right, by in wanted
        if not services.cluster.allows(namespace, right)
    ]
    held, tried = _held(services, definitions, namespaces)
    policy = {True: "holds", False: "does not hold", None: "could not be tried on"}[held]
    return {
        "operation": "inspect",
        "status": "inspected",
        "changed": False,
        "summary": (
            f"cluster {services.cluster_name}: {len(missing)} of {len(wanted)} rights are missing, "
            f"the admission policy {policy} remediation"
        ),
        "cluster": services.cluster_name,
        "namespaces": sorted(namespaces),
        "asked": len(wanted),
        "missing": missing,
        "held": held,
        "tried": tried,
    }


def _held(
    services: Services, definitions: Sequence[Mapping[str, Any]], namespaces: Sequence[str]
) -> tuple[bool | None, str]:
    """Try the policy on the first workload with which that can be done."""
    why = f"there is no workload in {', '.join(namespaces)}"
    for kind, namespace, name in islice(_workloads(services, definitions, namespaces), _TRIED):
        try:
            found: KubernetesObject = services.cluster.read(kind, namespace, name)
            return services.cluster.is_held(found), name_of(found)
        except RunbookActionError as error:
            why = f"{type(error).__name__}: {error}"
    return None, why


def _workloads(
    services: Services, definitions: Sequence[Mapping[str, Any]], namespaces: Sequence[str]
) -> Iterator[tuple[KindWord, str, str]]:
    """Give workloads: those that the catalogue names, then those whose pods there are."""
    for definition in definitions:
        for target in (step["target"] for step in steps_of(definition)):
            name, namespace = target.get("name"), target.get("namespace")
            named = isinstance(name, str) and namespace in namespaces
            if named and target.get("kind") in WORKLOADS:
                yield target["kind"], str(namespace), str(name)
    for namespace in namespaces:
        try:
            for pod in services.cluster.pods(namespace, ""):
                try:
                    owner = owner_of_pod(services.cluster, pod)
                except RunbookActionError:
                    continue  # of something that no runbook acts on
                if owner.kind in WORKLOADS:
                    yield owner.kind, owner.namespace, owner.name
        except RunbookActionError:
            continue  # the right to list pods is missing, which is told as such
