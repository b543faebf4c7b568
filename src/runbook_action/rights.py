"""The rights of Kubernetes that actions declare, spelled by the kind of object.

An action says what it needs for each kind of target (``Action.rights``). From that follow the
shipped Roles (``srectl runbooks rbac``) and what ``probe_cluster`` asks the cluster for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, cast

from runbook_action.history import KEEPERS
from runbook_action.kinds import KINDS, KindWord
from runbook_action.ports import Right
from runbook_action.request import TargetKind
from runbook_action.steps import WORKLOADS as _WORKLOADS
from runbook_action.steps import kinds_of

WORKLOADS: tuple[TargetKind, ...] = _WORKLOADS


class Declares(Protocol):
    """The part of an action that says what it needs."""

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """Rights for each kind of target."""


def rights(
    kind: KindWord, *verbs: str, where: Literal["target", "cluster"] | None = None
) -> tuple[Right, ...]:
    """Spell rights on a kind of object, a right for each verb.

    Parameters
    ----------
    kind
        As targets spell it: ``deployment``.
    verbs
        As RBAC spells them.
    where
        Where it holds, see ``Right``; None: where objects of that kind lie.

    Examples
    --------
    >>> rights("deployment", "get")
    (Right(group='apps', resource='deployments', verb='get', where='target'),)
    """
    known = KINDS[kind]
    where = where or ("target" if known.namespaced else "cluster")
    return tuple(Right(known.group, known.resource, verb, where) for verb in verbs)


def rolling(kind: TargetKind) -> tuple[Right, ...]:
    """Spell what it takes to change a workload and to see whether its new pods come up."""
    release = (Right("", "pods/eviction", "create"),) if kind == "statefulset" else ()
    # Its revisions say which of the pods are the new ones.
    known = rights(KEEPERS[kind], "list") if kind in ("deployment", "daemonset") else ()
    return (*rights(kind, "get", "patch"), *rights("pod", "list"), *known, *release)


def needed(action: Declares, kind: TargetKind) -> tuple[Right, ...]:
    """Give what an action on a kind of target needs, the event that tells of it included.

    Parameters
    ----------
    action
        One of the registry.
    kind
        Kind of its target. For a kind that it does not act on nothing is needed.

    Returns
    -------
    tuple of Right
        Each once; empty for an action that changes nothing and looks at nothing.
    """
    declared = action.rights.get(kind, ())
    if not declared:
        return ()
    told = Right("events.k8s.io", "events", "create", "default" if kind == "node" else "target")
    return tuple(dict.fromkeys((*declared, told)))


def looked_at(target: Mapping[str, object]) -> tuple[Right, ...]:
    """Give what it takes to find a target and to ask whether it may be acted on (``resolve``).

    Parameters
    ----------
    target
        As the catalogue writes it.

    Returns
    -------
    tuple of Right
        Reads only: of the objects that labels name, of what owns them, and of their namespace.
    """
    word = str(target.get("kind") or target["from_alert"])
    if word == "node":
        # A pod that stands in its alert must not be on another one, be it in whatever namespace.
        return (*rights("node", "get", "list"), *rights("pod", "get", where="cluster"))
    # Labels of its pods and its autoscaler stand in many alerts, and must not lead elsewhere: whose
    # a pod was that has gone only those tell who make pods of such names.
    kinds: set[KindWord] = {"horizontalpodautoscaler", "namespace", "pod", "replicaset"}
    kinds.update(("daemonset", "job"))
    kinds.update(cast(tuple[KindWord, ...], kinds_of(target)))
    if word not in ("workload", "job", *WORKLOADS):
        kinds.add(cast(KindWord, word))
    # What it belongs to or governs has a say, too: a pod's or a claim's workload, a Job's CronJob.
    if word in ("pod", "persistentvolumeclaim", "horizontalpodautoscaler"):
        kinds.update(WORKLOADS)
    if word in ("pod", "persistentvolumeclaim", "job"):
        kinds.add("cronjob")
    found = [right for kind in sorted(kinds) for right in rights(kind, "get", where="target")]
    found += rights("pod", "list")
    if word == "persistentvolumeclaim":
        found += rights("statefulset", "list")
    return tuple(found)


def known_by(kind: TargetKind, facts: Iterable[str]) -> tuple[Right, ...]:
    """Give what it takes to know facts of a kind of target: an unknown one never holds.

    Parameters
    ----------
    kind
        Kind of the target.
    facts
        Names that the conditions of a step use.
    """
    reads: Mapping[str, Sequence[tuple[KindWord, str]]] = {
        # Where pods are held back, what they run says whether a version is rolled out.
        "last_rollout_age_seconds": (
            [(KEEPERS[kind], "list"), ("pod", "list")] if kind in KEEPERS else []
        ),
        "last_end_reasons": [("pod", "get" if kind == "pod" else "list")],
        "restarts": [("pod", "get" if kind == "pod" else "list")],
        "autoscaler_at_maximum": [("horizontalpodautoscaler", "list")] if kind in WORKLOADS else [],
        # Of the node and the autoscaler themselves it takes no more than finding them.
    }
    return tuple(
        right
        for fact in sorted(set(facts))
        for word, verb in reads.get(fact, [])
        for right in rights(word, verb)
    )
