"""Which pods of a node leave it in a drain, and asking them to.

Which stay and which stop the drain follows ``pkg/drain/filters.go`` of kubernetes/kubectl, with
three differences. An emptyDir in memory, or with a limit of size, is scratch and stops nothing. A
pod that should have ended by now on a node whose kubelet is silent counts as gone, as with
kubectl's ``--skip-wait-for-delete-timeout``: nobody is there to end it. And a pod whose owners
refuse stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runbook_action.errors import (
    ActionRefused,
    ClusterConflict,
    ClusterRejected,
    NamespaceEnding,
    RetryableError,
    TargetNotFound,
)
from runbook_action.objects import Node, Pod, lost_with
from runbook_action.ports import Cluster
from runbook_action.request import Request
from runbook_action.resolve.consent_of_pods import ConsentOfPods

EVICTIONS_AT_ONCE = 8
NAMED_IN_ERRORS = 10
_FINISHED = "finished: it holds nothing"


@dataclass(frozen=True)
class Leaving:
    """The pods of a node: to evict, to leave with the reason, and those that forbid the drain.

    Of those that stay, ``refused`` are the ones that could leave and whose owners do not let them.
    """

    evict: Sequence[Pod]
    leave: Mapping[str, str]
    forbid: Mapping[str, str]
    refused: Sequence[str] = ()

    @property
    def told(self) -> str:
        """Who refused, for the summary: the node is not empty for whoever repairs it."""
        if not self.refused:
            return ""
        named = ", ".join(self.refused[:NAMED_IN_ERRORS])
        return f" {len(self.refused)} of them are left alone, as their owners refuse: {named}."

    @property
    def lost(self) -> dict[str, str]:
        """What ends with each pod that leaves."""
        return {id_of(pod): what for pod in self.evict if (what := lost_with(pod))}

    @property
    def staying(self) -> int:
        """How many stay, but for those that have ended: of a CronJob there are ever other ones."""
        return sum(why != _FINISHED for why in self.leave.values())

    def without(self, skipped: Mapping[str, str]) -> Leaving:
        """The same, but for pods that are not to be asked again, with why they stay."""
        evict = [pod for pod in self.evict if id_of(pod) not in skipped]
        names = {id_of(pod) for pod in self.evict}
        stay = {name: why for name, why in skipped.items() if name in names}
        return Leaving(evict, {**self.leave, **stay}, self.forbid, self.refused)


@dataclass
class Refusals:
    """Why pods did not leave when they were asked to.

    Attributes
    ----------
    blocked
        For the moment: asked again.
    ending
        Their namespace is ending, and they with it: not asked again.
    never
        Nothing will evict them as things are: not asked again.
    """

    blocked: dict[str, str] = field(default_factory=dict)
    ending: dict[str, str] = field(default_factory=dict)
    never: dict[str, str] = field(default_factory=dict)

    @property
    def skipped(self) -> Mapping[str, str]:
        """Those that are not asked again."""
        return {**self.ending, **self.never}


def leaving(
    cluster: Cluster,
    node: Node,
    parameters: Mapping[str, Any],
    now: datetime,
    consent: ConsentOfPods,
) -> Leaving:
    """Sort the pods of a node.

    Parameters
    ----------
    parameters
        ``evict_unmanaged`` and ``delete_emptydir_data``: what may be lost.
    now
        The time, in UTC.
    consent
        Asks the pods' owners.
    """
    evict, leave, forbid, refused = [], {}, {}, []
    for pod in cluster.pods_on_node(node.name):
        if reason := _stays(pod, node, now):
            leave[id_of(pod)] = reason
        elif not pod.terminating and (reason := consent.why_not(pod)):
            leave[id_of(pod)] = reason
            refused.append(id_of(pod))
        elif reason := _forbids(pod, parameters):
            forbid[id_of(pod)] = reason
        else:
            evict.append(pod)
    return Leaving(evict, leave, forbid, refused)


def refuse_if_forbidden(found: Leaving, request: Request) -> None:
    """Stop before anything is lost that nobody has given leave to lose.

    Raises
    ------
    ActionRefused
        The message says for each pod what would be lost.
    """
    if found.forbid:
        named = [f"{pod}: {why}" for pod, why in list(found.forbid.items())[:NAMED_IN_ERRORS]]
        raise ActionRefused(
            f"{request.target} cannot be drained without losing something: {'; '.join(named)}."
        )


def ask_to_leave(
    pods: Sequence[Pod], grace_period_seconds: int | None, cluster: Cluster
) -> Refusals:
    """Ask for the eviction of every pod that is not on its way out yet."""
    refusals = Refusals()

    def evict(pod: Pod) -> None:
        try:
            cluster.evict(pod, grace_period_seconds)
        except (TargetNotFound, ClusterConflict):
            return  # gone, or another pod of that name by now
        except NamespaceEnding:
            refusals.ending[id_of(pod)] = "its namespace is ending, which ends it, too"
        except ClusterRejected as error:
            refusals.never[id_of(pod)] = str(error)
        except RetryableError as error:
            refusals.blocked[id_of(pod)] = str(error)

    with ThreadPoolExecutor(EVICTIONS_AT_ONCE) as pool:
        # The list: an error that is none of these must not be lost.
        list(pool.map(evict, [pod for pod in pods if not pod.terminating]))
    return refusals


def id_of(pod: Pod) -> str:
    """A pod as reports name it."""
    return f"{pod.namespace}/{pod.name}"


def _stays(pod: Pod, node: Node, now: datetime) -> str | None:
    if pod.controller_kind == "DaemonSet":
        return "its DaemonSet would put it back"
    if pod.mirror:
        return "a static pod: only the node itself can end it"
    if pod.finished:
        return _FINISHED
    if node.silent and pod.overdue(now):
        return (
            "it should have ended by now, and the node's kubelet is silent: it is gone once the "
            "node answers, or is deleted"
        )
    return None


def _forbids(pod: Pod, parameters: Mapping[str, Any]) -> str | None:
    if pod.terminating:
        return None
    if pod.controller_kind is None and not parameters.get("evict_unmanaged"):
        return "no controller would start it elsewhere (allow with evict_unmanaged)"
    if pod.local_data and not parameters.get("delete_emptydir_data"):
        return f"its {lost_with(pod)} would be lost (allow with delete_emptydir_data)"
    return None
