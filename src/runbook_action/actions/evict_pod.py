"""``evict_pod``: one pod leaves, within its disruption budgets, and its controller replaces it.

Nothing on the pod can tell that this step evicted it, for the pod is gone, and a StatefulSet gives
its replacement the same name: a repeated call would evict that one, too. So the step writes down
which pod it means before it evicts it, as an Event whose name is made of incident and step. A
repeat reads it, and evicts only that very pod (by its UID), or watches for the replacement.

A pod that somebody else is deleting is left to that: the step writes down that it found it so,
claims no eviction, and verify waits until the pod has gone, which a finalizer may hold up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from runbook_action.actions.base import Defaults
from runbook_action.errors import (
    ActionRefused,
    ClusterConflict,
    ClusterThrottled,
    RolloutFailed,
    TargetNotFound,
)
from runbook_action.fields import BooleanField, Field, IntegerField
from runbook_action.kinds import KINDS, KindWord
from runbook_action.objects import Json, Pod, Workload, lost_with
from runbook_action.outcome import Change, Outcome
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.rights import rights

POLL_SECONDS = 1.0
_EVICTS, _FOUND_GOING = "RemediationEvicts", "RemediationFoundGoing"
#: As long as a drain waits for its pods.
BUDGET_SECONDS = 300
REPORTER = "sre-platform/runbook-action"
# What replaces a pod under the same spec. A Job's pod counts as an attempt instead: see rerun_job.
_CONTROLLERS: Mapping[str, KindWord] = {
    "ReplicaSet": "replicaset",
    "StatefulSet": "statefulset",
    "DaemonSet": "daemonset",
}


@dataclass(frozen=True)
class Eviction:
    """Which pod a step means, and what will replace it.

    Attributes
    ----------
    asked
        It is written down that this step evicts it.
    found_going
        It is written down that somebody else was deleting it before.
    """

    uid: str
    controller: Mapping[str, Any]
    asked: bool = False
    found_going: bool = False

    def by_another(self, pod: Pod | None) -> bool:
        """Whether the pod goes, or has gone, by somebody else's hand."""
        return self.found_going or (not self.asked and pod is not None and pod.terminating)


@dataclass(frozen=True)
class EvictPod(Defaults):
    """Replace one pod. The one that left does not come back."""

    name: str = "evict_pod"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """It evicts a pod."""
        return frozenset({"pod"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """The pod, what replaces it, and the event by which it remembers."""
        return {
            "pod": (
                *rights("pod", "get", "list"),
                Right("", "pods/eviction", "create"),
                *(right for kind in _CONTROLLERS.values() for right in rights(kind, "get")),
                *rights("event", "get", "create"),
            )
        }

    @property
    def fields(self) -> Mapping[str, Field]:
        """The time to end in, and kubectl's permission to lose scratch data."""
        return {
            "grace_period_seconds": IntegerField(0, 600),
            "delete_emptydir_data": BooleanField(),
        }

    @property
    def can_undo(self) -> bool:
        """No: the pod is gone, and its controller has replaced it."""
        return False

    def has_begun(self, request: Request, services: Services) -> bool:
        """Whether it has written down which pod it means; that one may have gone since."""
        return _remembered(request, services) is not None

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the eviction, if it may be."""
        pod, eviction = _look(request, services)
        if eviction.by_another(pod):
            if pod is not None and not eviction.found_going:
                _refuse_unless_replaced(pod, request)
            return Outcome("unchanged", f"change nothing: {_by_another(pod, eviction, request)}")
        if pod is None or pod.terminating or pod.uid != eviction.uid:
            return Outcome("unchanged", f"change nothing: {request.target} was evicted already.")
        _refuse_unless_replaced(pod, request)
        return Outcome("planned", f"evict {request.target}.", plan=[_change(request)])

    def execute(self, request: Request, services: Services) -> Outcome:
        """Evict it, and watch until its controller has a ready replacement.

        While a disruption budget keeps it a later call may find room.

        Raises
        ------
        RolloutFailed
            If a budget has kept it for ``BUDGET_SECONDS``. The message names it.
        """
        pod, eviction = _look(request, services)
        if eviction.by_another(pod):
            if pod is not None and not eviction.found_going:
                _refuse_unless_replaced(pod, request)
                _remember(pod, request, services, _FOUND_GOING)
            return Outcome("unchanged", _by_another(pod, eviction, request))
        if pod is not None and pod.uid == eviction.uid and not pod.terminating:
            _refuse_unless_replaced(pod, request)
            if not eviction.asked:
                _remember(pod, request, services, _EVICTS)
            try:
                with suppress(TargetNotFound, ClusterConflict):  # gone since it was read
                    services.cluster.evict(pod, request.parameters.get("grace_period_seconds"))
            except ClusterThrottled as error:
                return _kept(error, request, services)
        return _watched(replace(eviction, asked=True), request, services)

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: the controller has its ready pods, and what another one deletes has gone."""
        pod, eviction = _look(request, services)
        if eviction.by_another(pod) and pod is not None and pod.uid == eviction.uid:
            return Outcome("unhealthy", _by_another(pod, eviction, request), healthy=False)
        # What a budget has kept is still one of its pods.
        missing = _missing(replace(eviction, asked=False), request, services)
        return Outcome(
            "unhealthy" if missing else "succeeded",
            f"{_name(eviction)} {missing or 'has all its pods, and they are ready'}.",
            healthy=not missing,
        )

    def undo(self, request: Request, services: Services) -> Outcome:  # noqa: ARG002 - there is none
        """Nothing brings a pod back; its replacement runs."""
        return Outcome(
            "unchanged", f"No eviction is taken back: nothing brings {request.target} back."
        )


def _kept(error: ClusterThrottled, request: Request, services: Services) -> Outcome:
    """Say that it is to be asked for again, unless that goes on for too long."""
    known = _remembered(request, services) or {}
    now = services.clock.now()
    try:
        since = datetime.fromisoformat(str(known.get("eventTime")))
    except ValueError:
        since = now
    if (now - since).total_seconds() >= BUDGET_SECONDS:
        raise RolloutFailed(
            f"{request.target} could not be evicted for {BUDGET_SECONDS} seconds: {error}"
        ) from error
    return Outcome("in_progress", f"{request.target} is not evicted yet: {error}")


def _watched(eviction: Eviction, request: Request, services: Services) -> Outcome:
    while (missing := _missing(eviction, request, services)) and (
        services.clock.remaining() >= POLL_SECONDS
    ):
        services.clock.sleep(POLL_SECONDS)
    return Outcome(
        "in_progress" if missing else "succeeded",
        f"{request.target} was evicted; {_name(eviction)} {missing or 'has replaced it'}.",
        changed=True,
        plan=[_change(request)],
    )


def _look(request: Request, services: Services) -> tuple[Pod | None, Eviction]:
    """The pod of that name, if there is one, and which one this step means."""
    namespace = request.target.namespace or ""
    known = _remembered(request, services)
    if known is None:
        pod = cast(Pod, services.cluster.read("pod", namespace, request.target.name))
        return pod, Eviction(pod.uid, pod.controller)
    going = known.get("reason") == _FOUND_GOING
    eviction = Eviction(known["regarding"]["uid"], known["related"], not going, going)
    try:
        return cast(Pod, services.cluster.read("pod", namespace, request.target.name)), eviction
    except TargetNotFound:
        return None, eviction


def _remembered(request: Request, services: Services) -> Json | None:
    """The event by which this step knows its pod, None before it is written."""
    try:
        event = services.cluster.read("event", request.target.namespace or "", _event_name(request))
    except TargetNotFound:
        return None
    return event.raw


def _by_another(pod: Pod | None, eviction: Eviction, request: Request) -> str:
    """Say of a pod that is none of this step's what becomes of it."""
    not_ours = "by another's hand: this step evicts nothing"
    if pod is None or pod.uid != eviction.uid:
        return f"{request.target} has gone {not_ours}."
    held = ", ".join(map(str, pod.metadata.get("finalizers") or ()))
    due = f"due to be gone at {pod.metadata.get('deletionTimestamp')}"
    return (
        f"{request.target} is being deleted {not_ours}. It is still there, {due}"
        f"{f', and held up by finalizer {held}' if held else ''}."
    )


def _refuse_unless_replaced(pod: Pod, request: Request) -> None:
    why = None
    if pod.controller_kind not in _CONTROLLERS:
        owner = pod.controller_kind or "no controller"
        why = f"it belongs to {owner}, and only {', '.join(_CONTROLLERS)} replace a pod"
    elif pod.mirror:
        why = "it is a static pod: only the node itself can end it"
    elif pod.finished:
        why = "it has ended: it holds nothing"
    elif (
        pod.local_data
        and not pod.terminating
        and not request.parameters.get("delete_emptydir_data")
    ):
        why = f"its {lost_with(pod)} would be lost (allow with delete_emptydir_data)"
    if why:
        raise ActionRefused(f"{request.target} is not evicted: {why}.")


def _remember(pod: Pod, request: Request, services: Services, reason: str) -> None:
    does = "evicts this pod" if reason == _EVICTS else "found this pod being deleted already"
    namespace, known = pod.namespace, KINDS["pod"]
    related = {key: pod.controller[key] for key in ("apiVersion", "kind", "name", "uid")}
    services.cluster.create_event(
        namespace,
        {
            "apiVersion": KINDS["event"].api_version,
            "kind": "Event",
            "metadata": {"name": _event_name(request), "namespace": namespace},
            "eventTime": services.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": "Normal",
            "reason": reason,
            "action": request.action,
            "note": f"{request.action} for incident {request.incident_id} {does}.",
            "regarding": {
                "apiVersion": known.api_version,
                "kind": known.kind,
                "namespace": namespace,
                "name": pod.name,
                "uid": pod.uid,
            },
            "related": {**related, "namespace": namespace},
            "reportingController": REPORTER,
            "reportingInstance": "runbook-action",
        },
    )


def _missing(eviction: Eviction, request: Request, services: Services) -> str:
    """What the controller still lacks, in words; empty if nothing."""
    namespace = request.target.namespace or ""
    kind = _CONTROLLERS.get(str(eviction.controller.get("kind")))
    if kind is None:
        return "replaces no pod"
    controller = Workload(
        services.cluster.read(kind, namespace, str(eviction.controller["name"])).raw
    )
    # The evicted pod itself counts only for who has not evicted it.
    ready = sum(
        pod.ready and not pod.terminating and not (eviction.asked and pod.uid == eviction.uid)
        for pod in services.cluster.pods(namespace, controller.selector)
        if pod.belongs_to(controller)
    )
    wanted = controller.replicas
    return "" if ready >= wanted else f"has {ready} of {wanted} ready pods"


def _name(eviction: Eviction) -> str:
    return f"{eviction.controller.get('kind')} {eviction.controller.get('name')}"


def _event_name(request: Request) -> str:
    digest = hashlib.sha256(f"{request.token}\n{request.action}".encode()).hexdigest()[:16]
    return f"{request.target.name[:200].rstrip('.-')}.evicted-{digest}"


def _change(request: Request) -> Change:
    name = f"{request.target.namespace}/{request.target.name}"
    return Change("Pod", name, "eviction", "running", "evicted")


ACTION = EvictPod()
