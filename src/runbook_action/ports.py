"""What the actions need from the outside, as small protocols.

``adapters`` has the real ones; tests have fakes that can fail on command. All of them raise only
the errors of ``runbook_action.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from runbook_action.objects import Autoscaler, Deployment, Node, Pod, ReplicaSet


@dataclass(frozen=True)
class Right:
    """One thing that RBAC may grant.

    Attributes
    ----------
    group
        API group; empty for the core API.
    resource
        As RBAC spells it, a subresource after a slash: ``pods/eviction``.
    verb
        As RBAC spells it.
    where
        ``target``: in the namespace of the action's target. ``cluster``: beyond any namespace, or
        in all of them. ``default``: in the namespace ``default``, where events of nodes lie.
    """

    group: str
    resource: str
    verb: str
    where: Literal["target", "cluster", "default"] = "target"


class Cluster(Protocol):
    """The Kubernetes API of one cluster."""

    def allows(self, namespace: str, right: Right) -> bool:
        """Ask whether we have a right in a namespace. Changes nothing."""

    def deployment(self, namespace: str, name: str) -> Deployment:
        """Read a Deployment."""

    def patch_deployment(self, current: Deployment, patch: Mapping[str, Any]) -> Deployment:
        """Merge a patch (RFC 7386) into exactly the version that was read.

        Raises
        ------
        ClusterConflict
            If the object, its status included, was changed since ``current`` was read.
        """

    def replace_template(
        self, current: Deployment, template: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Deployment:
        """Replace the pod template of exactly the version that was read, and annotate it.

        Raises
        ------
        ClusterConflict
            If the object, its status included, was changed since ``current`` was read.
        """

    def pods(self, namespace: str, selector: str) -> Sequence[Pod]:
        """List the pods a label selector matches."""

    def replica_sets(self, namespace: str, selector: str) -> Sequence[ReplicaSet]:
        """List the ReplicaSets a label selector matches."""

    def autoscalers(self, namespace: str) -> Sequence[Autoscaler]:
        """List the HorizontalPodAutoscalers of a namespace."""

    def patch_autoscaler(self, current: Autoscaler, patch: Mapping[str, Any]) -> Autoscaler:
        """Merge a patch into exactly the version that was read; else ClusterConflict."""

    def node(self, name: str) -> Node:
        """Read a Node."""

    def nodes(self, selector: str) -> Sequence[Node]:
        """List the nodes a label selector matches."""

    def patch_node(self, current: Node, patch: Mapping[str, Any]) -> Node:
        """Merge a patch into exactly the version that was read; else ClusterConflict."""

    def pods_on_node(self, name: str) -> Sequence[Pod]:
        """List the pods of a node, in all namespaces."""

    def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Write an Event (events.k8s.io/v1).

        Raises
        ------
        ClusterConflict
            If there is one of that name already.
        """

    def evict(self, pod: Pod, grace_period_seconds: int | None) -> None:
        """Ask for the eviction of exactly this pod (its UID is a precondition).

        Raises
        ------
        ClusterThrottled
            If a disruption budget forbids it now. The message names the budget.
        ClusterConflict
            If the name belongs to another pod by now.
        TargetNotFound
            If it is gone.
        """


class Parameters(Protocol):
    """The parameter store."""

    def get(self, name: str) -> str | None:
        """Value of a parameter, or None if there is none of that name."""

    def put(self, name: str, value: str) -> None:
        """Write an encrypted parameter, over whatever it was."""


class Clock(Protocol):
    """Time, and how much of it this call has left."""

    def now(self) -> datetime:
        """The time, in UTC."""

    def remaining(self) -> float:
        """Seconds that may still be spent waiting."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True)
class Services:
    """Everything an action may use."""

    cluster: Cluster
    parameters: Parameters
    clock: Clock
    degraded_mode_parameter: str
