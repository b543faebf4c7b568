"""The shape of an action: four operations on one target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from runbook_action import marks
from runbook_action.fields import Field
from runbook_action.holding import Holding
from runbook_action.objects import KubernetesObject
from runbook_action.outcome import Outcome
from runbook_action.ports import Cluster, Right, Services
from runbook_action.request import Request, TargetKind

# The target of these is only a place, see the runbook of the canary: nothing of that name exists.
_LOOK_AT_NOTHING = frozenset({"probe_cluster"})


class Action(Protocol):
    """One way to repair something.

    Every operation may be called again at any time, also after a call that died halfway, and
    then only does what is still to do. All raise the errors of ``runbook_action.errors``.
    """

    @property
    def name(self) -> str:
        """Its name in the catalogue."""

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """The kinds of objects it acts on."""

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """What it needs of Kubernetes, for each kind of target.

        ``srectl runbooks rbac`` grants exactly this. The event that tells of it is not among them:
        it is written for every action, see ``rights.needed``.
        """

    @property
    def aws_rights(self) -> Sequence[str]:
        """What it needs of IAM beyond reaching the cluster, such as ``ssm:PutParameter``."""

    @property
    def asks(self) -> bool:
        """Whether a runbook must have it approved: what it does cannot be taken back."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """Its parameters."""

    @property
    def either(self) -> Sequence[str]:
        """Parameters of which exactly one has to be given."""

    @property
    def can_undo(self) -> bool:
        """Whether ``undo`` can ever take it back; else a runbook cannot ask for that."""

    @property
    def changes(self) -> bool:
        """Whether it changes anything at all; what only looks has never acted on a target."""

    @property
    def lends(self) -> bool:
        """Whether it changes something for a time, so that a runbook may ``restore`` it."""

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The parameters of its undo, as ``execute`` returns them."""

    def has_begun(self, request: Request, services: Services) -> bool:
        """Whether an earlier call has begun this step: then nobody is asked for consent again."""

    def touches(self, target: KubernetesObject, cluster: Cluster) -> Sequence[KubernetesObject]:
        """Read what it changes besides its target, which may refuse as well."""

    def plan(self, request: Request, services: Services) -> Outcome:
        """Say what ``execute`` would change. Changes nothing."""

    def execute(self, request: Request, services: Services) -> Outcome:
        """Do it, and watch it until it is done or the time is used up."""

    def verify(self, request: Request, services: Services) -> Outcome:
        """Judge whether the target is well. Changes nothing."""

    def undo(self, request: Request, services: Services) -> Outcome:
        """Take back what ``execute`` did for this incident."""


class Defaults:
    """What an action declares unless it says otherwise."""

    @property
    def aws_rights(self) -> Sequence[str]:
        """None: it only talks to the cluster."""
        return ()

    @property
    def asks(self) -> bool:
        """Nobody: it can be taken back, or takes nothing away."""
        return False

    @property
    def fields(self) -> Mapping[str, Field]:
        """None."""
        return {}

    @property
    def either(self) -> Sequence[str]:
        """None: each parameter stands for itself."""
        return ()

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """None: what undo needs stands in the mark on the target, if it needs anything."""
        return {}

    @property
    def can_undo(self) -> bool:
        """Yes, unless it has to be asked for because it cannot."""
        return not self.asks

    @property
    def changes(self) -> bool:
        """Yes: it repairs."""
        return True

    @property
    def lends(self) -> bool:
        """No: what it does is for good."""
        return False

    def has_begun(self, request: Request, services: Services) -> bool:
        """Whether the target has the step's mark. An action that leaves none says it itself."""
        target = request.target
        found = services.cluster.read(target.kind, target.namespace or "", target.name)
        return marks.recorded(found, request) is not None

    def touches(self, target: KubernetesObject, cluster: Cluster) -> Sequence[KubernetesObject]:  # noqa: ARG002 - others do
        """Nothing: it changes its target, and what that makes."""
        return ()


@runtime_checkable
class ChangesMore(Protocol):
    """An action that changes more than its target."""

    def things(self, services: Services) -> Sequence[str]:
        """What it changes besides, each as a lease names it: ``parameter#/checkout/degraded_mode``.

        It is locked with the target: a parameter is one thing, whichever cluster the alert is of.
        """


@runtime_checkable
class Holds(Protocol):
    """An action that changes something for a time."""

    def holdings(self, request: Request, services: Services) -> Sequence[Holding]:
        """Where the step may have a part in a lease."""


def looks_at_target(action: Action) -> bool:
    """Whether an action's target is an object, which is there and may refuse to be acted on."""
    return action.name not in _LOOK_AT_NOTHING
