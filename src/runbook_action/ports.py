"""What the actions need from the outside, as small protocols.

``adapters`` has the real ones; tests have fakes that can fail on command. All of them raise only
the errors of ``runbook_action.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast

from runbook_action.kinds import KindWord
from runbook_action.leases import Leases
from runbook_action.objects import Autoscaler, KubernetesObject, Node, Pod, Workload
from runbook_action.prometheus.port import Prometheus

if TYPE_CHECKING:
    from runbook_action.gitops import Policy as GitPolicy
    from runbook_action.topology.relating import Places

T = TypeVar("T", bound=KubernetesObject)


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

    def is_held(self, current: KubernetesObject) -> bool:
        """Try on an object what the admission policy must refuse us, as a dry run.

        Returns
        -------
        bool
            Whether the policy stood in the way: let through, it or its binding is not there.

        Raises
        ------
        RunbookActionError
            Something else stood in the way, so nothing is known of the policy.
        """

    def read(self, kind: KindWord, namespace: str, name: str) -> KubernetesObject:
        """Read an object, as its view; ``namespace`` is empty for an object of the cluster.

        Raises
        ------
        TargetNotFound
            If there is none of that name.
        """

    def list(
        self, kind: KindWord, namespace: str, selector: str = "", fields: str = ""
    ) -> Sequence[KubernetesObject]:
        """List the objects of a kind that a label and a field selector match.

        Without a namespace, the objects of all namespaces, or those of the cluster.
        """

    def patch(self, current: T, patch: Mapping[str, Any]) -> T:
        """Merge a patch (RFC 7386) into exactly the version that was read.

        Raises
        ------
        ClusterConflict
            If the object, its status included, was changed since ``current`` was read.
        """

    def replace(self, current: T, values: Mapping[str, Any]) -> T:
        """Put whole values at JSON pointers of exactly the version that was read.

        Raises
        ------
        ClusterConflict
            If the object, its status included, was changed since ``current`` was read.
        """

    def create(self, kind: KindWord, namespace: str, body: Mapping[str, Any]) -> KubernetesObject:
        """Make an object.

        Raises
        ------
        ClusterConflict
            If there is one of that name already.
        """

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

    # What the actions ask for most, typed.

    def workload(self, kind: KindWord, namespace: str, name: str) -> Workload:
        """Read a Deployment, StatefulSet or DaemonSet."""
        return cast(Workload, self.read(kind, namespace, name))

    def pods(self, namespace: str, selector: str) -> Sequence[Pod]:
        """List the pods a label selector matches."""
        return cast(Sequence[Pod], self.list("pod", namespace, selector))

    def pods_on_node(self, name: str) -> Sequence[Pod]:
        """List the pods of a node, in all namespaces."""
        return cast(Sequence[Pod], self.list("pod", "", fields=f"spec.nodeName={name}"))

    def autoscalers(self, namespace: str) -> Sequence[Autoscaler]:
        """List the HorizontalPodAutoscalers of a namespace."""
        return cast(Sequence[Autoscaler], self.list("horizontalpodautoscaler", namespace))

    def node(self, name: str) -> Node:
        """Read a Node."""
        return cast(Node, self.read("node", "", name))

    def nodes(self, selector: str) -> Sequence[Node]:
        """List the nodes a label selector matches."""
        return cast(Sequence[Node], self.list("node", "", selector))


class Parameters(Protocol):
    """The parameter store."""

    def get(self, name: str) -> str | None:
        """Value of a parameter, or None if there is none of that name."""

    def put(self, name: str, value: str) -> None:
        """Write an encrypted parameter, over whatever it was."""

    def version(self, name: str) -> int:
        """Count the writes to a parameter; 0 where there is none of that name."""

    def written_at(self, name: str) -> datetime | None:
        """When a parameter was last written; None where that is not known."""


@dataclass(frozen=True)
class AutomationRun:
    """How far a run of an automation document is.

    Attributes
    ----------
    status
        As Systems Manager says it.
    outputs
        What its steps gave, by name.
    failure
        Why it did not end well, or an empty text.
    """

    status: str
    finished: bool
    succeeded: bool
    outputs: Mapping[str, Sequence[str]]
    failure: str


class Automations(Protocol):
    """Systems Manager Automation."""

    @property
    def documents(self) -> frozenset[str]:
        """Names of the documents that may be started."""

    def start(self, document: str, inputs: Mapping[str, str], token: str) -> str:
        """Start a document, and give the id of its run; the same token starts one run."""

    def look(self, run_id: str) -> AutomationRun:
        """How far a run is."""

    def stop(self, run_id: str) -> None:
        """Stop a run where it is."""


class Checks(Protocol):
    """Checks of the team's own."""

    @property
    def names(self) -> frozenset[str]:
        """The checks there are."""

    def ask(self, name: str, about: Mapping[str, str | None]) -> object:
        """What a check says of a target, as JSON has it, whatever that is."""


class Catalogue(Protocol):
    """The published runbooks."""

    def definitions(self) -> Sequence[Mapping[str, Any]]:
        """Read every runbook as it was published."""

    def published(self, name: str) -> Mapping[str, Any] | None:
        """Read one runbook, consistently; None if there is none of that name."""


@dataclass(frozen=True)
class Lock:
    """What the guard table says of a target.

    Attributes
    ----------
    holder
        The incident that has it; empty where nobody does.
    until
        Unix time at which it runs out.
    unhelped
        Name of a runbook → the incidents for which it took the target in hand since it last
        helped; None where that cannot be read.
    """

    holder: str
    until: float
    unhelped: Mapping[str, frozenset[str] | None] = field(default_factory=dict)


class Locks(Protocol):
    """The locks of the state machines."""

    def read(self, key: str) -> Lock | None:
        """Read one, consistently; None if it was never taken."""


class Identities(Protocol):
    """AWS, asked whose signature something bears."""

    def signer(self, proof: str, statement: str) -> str:
        """Give the ARN of who signed a statement; ActionRefused if nobody did."""


class Notes(Protocol):
    """Short texts that are kept for a week, by their keys."""

    def read(self, key: str) -> str:
        """Give what was kept, consistently; empty if nothing was."""

    def keep(self, key: str, text: str) -> None:
        """Keep it, over whatever was kept."""


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
    """Everything an action may use.

    Attributes
    ----------
    cluster_name
        Name of the cluster that ``cluster`` speaks to; never empty.
    runs
        What ``run_automation`` has started, by ``Request.token``.
    automations, checks
        None where the deployment allows none.
    prometheus
        What knows the cluster's metrics; None where the deployment names none.
    only_annotated
        Whether only what says so may be acted on (stack parameter RemediateOnlyAnnotated).
    places
        Where incidents are; None where nothing is related.
    git_policy
        What becomes of a step whose fields Git decides (stack parameter GitOpsPolicy).
    approved
        Whether a human has approved the step that is asked for.
    """

    cluster: Cluster
    parameters: Parameters
    clock: Clock
    degraded_mode_parameter: str
    leases: Leases
    cluster_name: str
    catalogue: Catalogue
    locks: Locks
    runs: Notes
    automations: Automations | None = None
    checks: Checks | None = None
    only_annotated: bool = False
    places: Places | None = None
    prometheus: Prometheus | None = None
    git_policy: GitPolicy = "escalate"
    approved: bool = False
