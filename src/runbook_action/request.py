"""What the state machine may ask for, checked before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast, get_args
from uuid import UUID

from runbook_action.errors import ActionRefused, InvalidRequest
from runbook_action.fields import Field, IntegerField, parse_fields
from runbook_action.prometheus.criterion import Criterion, parse_criterion
from runbook_action.when import Condition, parse_when

Operation = Literal["plan", "execute", "verify", "undo", "hand_over"]
TargetKind = Literal[
    "daemonset",
    "deployment",
    "horizontalpodautoscaler",
    "job",
    "node",
    "persistentvolumeclaim",
    "pod",
    "statefulset",
]

MAX_STEPS = 8  # of a runbook, as its schema has it

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # RFC 1123 subdomain
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # RFC 1123 label
_UID = re.compile(r"[-A-Za-z0-9._]{1,128}")
_RUNBOOK = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")  # as its schema has it
#: So long is the fingerprint of a part of a plan, and so many of them there may be.
PART_DIGITS = 32
_MOST_PARTS = 1000
_MOST_LOCKS = 8  # of one target: its own, and those of what it belongs to
_LOCK = re.compile(r"target#[^\s#]{1,253}(#[^\s#]{0,253}){3}")
_PART = re.compile(f"[0-9a-f]{{{PART_DIGITS}}}")
_HASH = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")
_TARGET_KEYS = frozenset({"cluster", "namespace", "kind", "name", "uid"})


@dataclass(frozen=True)
class Target:
    """The object to act on.

    Attributes
    ----------
    cluster
        Its label; None for the default one.
    namespace
        None for a node.
    uid
        Identity of the object that ``resolve`` found: another one of its name has another. None
        where nobody has looked, as in the catalogue and in requests from before it.
    """

    cluster: str | None
    namespace: str | None
    kind: TargetKind
    name: str
    uid: str | None = None

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.namespace}/{self.name}"
            if self.namespace
            else (f"{self.kind} {self.name}")
        )

    def to_json(self) -> dict[str, str | None]:
        """The target as it stands in events and in the output; ``uid`` only where it is known."""
        return {
            "cluster": self.cluster,
            "namespace": self.namespace,
            "kind": self.kind,
            "name": self.name,
            **({"uid": self.uid} if self.uid else {}),
        }


@dataclass(frozen=True)
class Request:
    """One call of the state machine, all of it checked.

    Attributes
    ----------
    parameters
        Typed and bounded by the action's own fields.
    step
        Which step of its runbook this is, from 1. Two steps of one incident may ask for the same
        action on the same object: they are not the same request.
    when
        What must hold for the step to be done at all: for ``plan`` as the call has it, for
        ``execute`` as the published runbook does.
    runbook
        Name of the published runbook that does it; empty where nothing is done.
    approval
        Whatever came as ``proofs`` and ``denied`` of an answer; see ``approval``.
    asked
        Whether the state machine has asked a human: then nothing is done without a signature, also
        where the published step asks nobody.
    plan_hash
        For ``execute``: what ``plan`` answered as such; empty where nothing was planned before.
    plan_parts
        The same: what of the plan may have fallen away since, see ``decided``.
    locks
        Keys in the guard table of its target, and of what that belongs to, as ``resolve`` gave
        them.
    template
        Fingerprint of the workload's pod template as ``resolve`` found it; empty where it did not
        look at one.
    criterion
        For ``verify``: what the runbook wants to see in Prometheus.
    own_alert
        For ``verify``: what ``resolve`` answered as such.
    undo
        For operation ``undo`` (and ``hand_over``, which comes in its place where the alert fires
        again): what ``execute`` returned for it, or None if it could not.
    """

    operation: Operation
    action: str
    target: Target
    incident_id: str
    parameters: Mapping[str, Any]
    undo: Mapping[str, Any] | None = None
    step: int = 1
    when: Sequence[Condition] = ()
    runbook: str = ""
    approval: Mapping[str, Any] = field(default_factory=dict)
    asked: bool = False
    plan_hash: str = ""
    plan_parts: Sequence[str] = ()
    locks: Sequence[str] = ()
    template: str = ""
    criterion: Criterion = field(default_factory=Criterion)
    own_alert: Mapping[str, Any] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """Who acts, as objects carry it: the incident and its step."""
        return f"{self.incident_id}/{self.step}"

    @property
    def action_id(self) -> str:
        """This operation of this step, as logs and events name it."""
        return f"{self.incident_id}:{self.step}:{self.operation}"


class Signature(Protocol):
    """What must be known of an action to check a request for it."""

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """The kinds of objects it acts on."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """Its parameters."""

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The parameters of its undo."""


def parse_request(
    event: object,
    actions: Mapping[str, Signature],
    allowed_namespaces: frozenset[str],
) -> Request:
    """Turn the function's input into a request.

    Parameters
    ----------
    event
        ``{operation, action, target, parameters, incident_id, step, when, undo, runbook, approval,
        asked, plan_hash, plan_parts, locks, template, verify, own_alert}``; without ``step`` it is
        the first one. Other top-level keys are left alone, so that the state machine may grow
        before the function does.
    actions
        The registry: what is not in it does not exist.
    allowed_namespaces
        Where a target may be.

    Raises
    ------
    InvalidRequest
        If a field is missing, unknown or malformed. The message names the field.
    ActionRefused
        If the request is well formed but its target is out of bounds.
    """
    if not isinstance(event, Mapping):
        raise InvalidRequest("the input must be an object")
    operation = _one_of(event, "operation", get_args(Operation))
    action = _one_of(event, "action", sorted(actions))
    signature = actions[action]
    target = _target(event.get("target"), signature, action, allowed_namespaces)
    return Request(
        operation=cast(Operation, operation),
        action=action,
        target=target,
        incident_id=parse_incident_id(event.get("incident_id")),
        parameters=parse_fields(signature.fields, event.get("parameters"), "parameters"),
        undo=_undo(event.get("undo"), action, signature),
        step=IntegerField(1, MAX_STEPS).parse(event.get("step", 1), "step"),
        when=parse_when(event.get("when")),
        runbook=_runbook(event.get("runbook")),
        approval=_object(event.get("approval"), "approval"),
        asked=_flag(event.get("asked"), "asked"),
        plan_hash=_hex(event.get("plan_hash"), "plan_hash"),
        plan_parts=_parts(event.get("plan_parts")),
        locks=_locks(event.get("locks")),
        template=_hex(event.get("template"), "template"),
        criterion=parse_criterion(event.get("verify")),
        own_alert=_object(event.get("own_alert"), "own_alert"),
    )


def _one_of(event: Mapping[str, Any], name: str, known: tuple[str, ...] | list[str]) -> str:
    value = event.get(name)
    if not isinstance(value, str) or value not in known:
        raise InvalidRequest(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return value


def _runbook(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not _RUNBOOK.fullmatch(value):
        raise InvalidRequest(f"runbook is not the name of a runbook: {value!r}")
    return value


def _object(value: object, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{name} must be an object or null")
    return value


def _flag(value: object, name: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} must be true, false or null, not {value!r}")
    return value


def _hex(value: object, name: str) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise InvalidRequest(f"{name} is not a fingerprint that this function has given: {value!r}")
    return value


def _parts(value: object) -> tuple[str, ...]:
    given = [] if value is None else value
    if not isinstance(given, list) or len(given) > _MOST_PARTS:
        raise InvalidRequest(f"plan_parts must be a list of at most {_MOST_PARTS} fingerprints")
    for each in given:
        if not isinstance(each, str) or not _PART.fullmatch(each):
            raise InvalidRequest(f"plan_parts has what this function has not given: {each!r}")
    return tuple(given)


def _locks(value: object) -> tuple[str, ...]:
    given = [] if value is None else value
    if not isinstance(given, list) or len(given) > _MOST_LOCKS:
        raise InvalidRequest(f"locks must be a list of at most {_MOST_LOCKS} keys of locks")
    for each in given:
        if not isinstance(each, str) or not _LOCK.fullmatch(each):
            raise InvalidRequest(f"locks has what is no key of a target: {each!r}")
    return tuple(given)


def parse_incident_id(value: object) -> str:
    """Check an incident's id; raises InvalidRequest."""
    if isinstance(value, str):
        try:
            if str(UUID(value)) == value.lower():
                return value.lower()
        except ValueError:
            pass
    raise InvalidRequest(f"incident_id must be a UUID, not {value!r}")


def parse_target(value: object) -> Target:
    """Check the shape of a target, not whether anything may be done to it.

    Raises
    ------
    InvalidRequest
        If a field is missing, unknown or malformed. The message names the field.
    """
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"target must be an object, not {value!r}")
    unknown = sorted(str(key) for key in value if key not in _TARGET_KEYS)
    if unknown:
        raise InvalidRequest(f"target.{unknown[0]} is not part of a target")
    kind = value.get("kind")
    if kind not in get_args(TargetKind):
        known = ", ".join(get_args(TargetKind))
        raise InvalidRequest(f"target.kind must be one of {known}, not {kind!r}")
    name = value.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidRequest(f"target.name is not the name of a Kubernetes object: {name!r}")
    cluster = value.get("cluster")
    if cluster is not None and not isinstance(cluster, str):
        raise InvalidRequest(f"target.cluster must be a text or null, not {cluster!r}")
    uid = value.get("uid")
    if uid is not None and not (isinstance(uid, str) and _UID.fullmatch(uid)):
        raise InvalidRequest(f"target.uid must be the uid of a Kubernetes object, not {uid!r}")
    namespace = value.get("namespace")
    if kind == "node":
        # The labels of a node alert often carry the namespace of the exporter that saw it.
        return Target(cluster or None, None, "node", name, uid)
    if not isinstance(namespace, str) or not NAMESPACE.fullmatch(namespace):
        raise InvalidRequest(f"target.namespace is not the name of a namespace: {namespace!r}")
    return Target(cluster or None, namespace, cast(TargetKind, kind), name, uid)


def refuse_namespace(namespace: str | None, allowed: frozenset[str]) -> None:
    """Stop outside of the namespaces that the deployment allows; None is that of a node.

    Raises
    ------
    ActionRefused
        The message names those that are allowed.
    """
    if namespace is not None and namespace not in allowed:
        raise ActionRefused(
            f"namespace {namespace} is not one this platform may change (allowed: "
            f"{', '.join(sorted(allowed))}). The stack's parameter AllowedNamespaces adds one."
        )


def _target(
    value: object, signature: Signature, action: str, allowed_namespaces: frozenset[str]
) -> Target:
    target = parse_target(value)
    if target.kind not in signature.target_kinds:
        wanted = " or ".join(sorted(signature.target_kinds))
        raise InvalidRequest(f"target.kind must be {wanted} for action {action}, not {target.kind}")
    refuse_namespace(target.namespace, allowed_namespaces)
    return target


def _undo(value: object, action: str, signature: Signature) -> Mapping[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"undo must be an object or null, not {value!r}")
    if value.get("action") != action:
        raise InvalidRequest(f"undo.action must be {action}, not {value.get('action')!r}")
    return parse_fields(signature.undo_fields, value.get("parameters"), "undo.parameters")
