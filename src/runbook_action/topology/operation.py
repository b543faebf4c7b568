"""The operation itself: on its own, and with what ``resolve`` has found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from runbook_action.errors import FinalError, InvalidRequest
from runbook_action.objects import KubernetesObject
from runbook_action.ports import Services
from runbook_action.request import TargetKind, parse_incident_id
from runbook_action.resolve import Alert, Policy
from runbook_action.resolve.finding import Place, find
from runbook_action.resolve.labels import LABEL_OF, namespace_in
from runbook_action.resolve.pod_names import is_of_the_exporter
from runbook_action.resolve.request import parse_alert
from runbook_action.rights import WORKLOADS
from runbook_action.topology.causes import Known
from runbook_action.topology.reading import Topology, read_topology
from runbook_action.topology.relating import Relation, hang_at, relate_at

_RANKS = {"critical": 3, "warning": 2, "info": 1}
# What labels may name, the likeliest first.
_KINDS = ("workload", "pod", "job", "horizontalpodautoscaler", "persistentvolumeclaim")
_ANY = {"namespaces": ["*"], "names": ["*"]}


@dataclass(frozen=True)
class RelateRequest:
    """An incident: its alert, its id, the sort key of its record, and how bad it is."""

    alert: Alert
    incident_id: str
    timestamp: str
    severity: str
    operation: str = "relate"
    action: str = "none"


def parse_relate(event: Mapping[str, Any]) -> RelateRequest:
    """Turn the function's input into a request.

    Parameters
    ----------
    event
        ``{operation, alert, incident_id, timestamp}``: ``data`` of the event that tells of the
        incident, and the sort key of its record, ISO 8601.

    Raises
    ------
    InvalidRequest
        A field is missing or malformed. The message names it.
    """
    timestamp = event.get("timestamp")
    if not isinstance(timestamp, str) or _milliseconds(timestamp) is None:
        raise InvalidRequest(f"timestamp must be a time in ISO 8601, not {timestamp!r}")
    alert = event.get("alert")
    severity = alert.get("severity") if isinstance(alert, Mapping) else None
    return RelateRequest(
        parse_alert(alert), parse_incident_id(event.get("incident_id")), timestamp, str(severity)
    )


def relate(
    asked: RelateRequest,
    policy: Policy,
    connect: Callable[[str], Services],
    window_seconds: int,
) -> dict[str, Any]:
    """Work out what an incident hangs on that no runbook has found a target for.

    Parameters
    ----------
    connect
        Gives the services of a cluster by its label.
    window_seconds
        By how much the alerts of a cause and its child may have begun apart; 0 relates nothing.

    Returns
    -------
    dict
        The function's output: ``relation`` beside the usual, see ``relating.Relation``. Where the
        labels lead to no object that may be looked at, it hangs on nothing, and ``summary`` says
        why.

    Raises
    ------
    RetryableError
        The cluster or the rows cannot be asked now.
    """
    relation, why = Relation(), ""
    if window_seconds:
        try:
            label = policy.cluster_of(asked.alert.cluster, asked.alert.labels)
            services = connect(label)
            found = _object_of(asked.alert, services, policy)
            relation = _related(asked, label, found, services, window_seconds)
        except FinalError as error:
            why = f", because {error}"
            stand_alone(asked.incident_id, connect(policy.default_cluster))
    return {
        "operation": "relate",
        "status": "related",
        "changed": False,
        "summary": _summary(relation) + why,
        "incident_id": asked.incident_id,
        "relation": relation.to_json(),
    }


def hang_target(
    asked: RelateRequest,
    cluster: str,
    found: KubernetesObject,
    services: Services,
    window_seconds: int,
) -> None:
    """Hang an incident on its cause whose target has been found; its row tells the rest.

    Parameters
    ----------
    cluster
        Canonical label of where the target is.
    found
        The target, as it was read.

    Raises
    ------
    RunbookActionError
        The cluster or the rows could not be asked.
    """
    if window_seconds and services.places is not None:
        topology, known = _where(asked, cluster, found, services)
        hang_at(topology, known, services.places, window_seconds)


def stand_alone(incident_id: str, services: Services) -> None:
    """Write down that nothing can be told of an incident, so that nobody waits for it."""
    if services.places is not None:
        services.places.stand_alone(incident_id)


def _related(
    asked: RelateRequest,
    label: str,
    found: KubernetesObject,
    services: Services,
    window_seconds: int,
) -> Relation:
    if services.places is None:
        return Relation()
    topology, known = _where(asked, label, found, services)
    return relate_at(topology, known, services.places, window_seconds)


def _where(
    asked: RelateRequest, label: str, found: KubernetesObject, services: Services
) -> tuple[Topology, Known]:
    topology = read_topology(services.cluster, label, found)
    known = Known(
        asked.incident_id,
        topology.level,
        _milliseconds(asked.timestamp) or 0,
        _RANKS.get(asked.severity, 1),
        asked.timestamp,
        topology.called,
    )
    return topology, known


def _object_of(alert: Alert, services: Services, policy: Policy) -> KubernetesObject:
    """Find what an alert is about: a workload where its labels lead to one, else a node.

    kube-state-metrics puts its own pod and namespace beside the node that it tells of.
    """
    labels = dict(alert.labels)
    if is_of_the_exporter(labels.get("pod", ""), labels):
        del labels["pod"]
    place = Place(services.cluster, labels, policy.allowed_namespaces, "correlation")
    refused: FinalError | None = None
    for kind in _KINDS:
        names = (*WORKLOADS, "pod") if kind == "workload" else (LABEL_OF[cast(TargetKind, kind)],)
        if not any(name in labels for name in names):
            continue
        try:
            namespace_in(labels)
            return find(place, {"from_alert": kind, **_ANY}).target
        except FinalError as error:
            refused = refused or error
    if "node" in labels or refused is None:
        return find(place, {"from_alert": "node", **_ANY}).target
    raise refused


def _summary(relation: Relation) -> str:
    if relation.cause:
        return f"it hangs on incident {relation.cause} ({relation.cause_place})"
    return f"it may have a cause: {relation.suspect}" if relation.suspect else "it hangs on nothing"


def _milliseconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else round(moment.timestamp() * 1000)
