"""Pod status as a kubelet would write it, computed from what the containers do.

Pure functions over small records: nothing here starts, asks or sends anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Waiting:
    """Not running, about to (or unable to)."""

    reason: str
    message: str = ""

    def to_json(self) -> Json:
        """Return the ``ContainerState``."""
        return {"waiting": _without_empty({"reason": self.reason, "message": self.message})}


@dataclass(frozen=True)
class Running:
    """Running since a time."""

    started_at: str

    def to_json(self) -> Json:
        """Return the ``ContainerState``."""
        return {"running": {"startedAt": self.started_at}}


@dataclass(frozen=True)
class Terminated:
    """Ended."""

    exit_code: int
    reason: str
    started_at: str
    finished_at: str
    container_id: str = ""
    message: str = ""

    def to_json(self) -> Json:
        """Return the ``ContainerState``."""
        state = {
            "exitCode": self.exit_code,
            "reason": self.reason,
            "startedAt": self.started_at,
            "finishedAt": self.finished_at,
            "containerID": self.container_id,
            "message": self.message,
        }
        return {"terminated": _without_empty(state)}


State = Waiting | Running | Terminated


@dataclass(frozen=True)
class ContainerView:
    """One container as its pod's status shows it."""

    name: str
    image: str
    state: State
    last: Terminated | None = None
    restarts: int = 0
    started: bool = False
    ready: bool = False
    container_id: str = ""

    def to_json(self) -> Json:
        """Return the ``ContainerStatus``."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": "",
            "containerID": self.container_id,
            "state": self.state.to_json(),
            "lastState": self.last.to_json() if self.last else {},
            "restartCount": self.restarts,
            "started": self.started,
            "ready": self.ready,
        }


def _without_empty(content: Json) -> Json:
    return {key: value for key, value in content.items() if value != ""}


def phase(
    restart_policy: str, init: Sequence[ContainerView], containers: Sequence[ContainerView]
) -> str:
    """Return the pod's phase, by the rules of a kubelet's ``getPhase``.

    Parameters
    ----------
    restart_policy : str
        ``Always``, ``OnFailure`` or ``Never``.
    init, containers : sequence of ContainerView
        All containers of the pod.
    """
    for one in init:
        if isinstance(one.state, Terminated) and one.state.exit_code == 0:
            continue
        if isinstance(one.state, Terminated) and restart_policy == "Never":
            return "Failed"
        return "Pending"
    # a container that waits for its restart has been started: the pod stays Running
    if any(isinstance(one.state, Waiting) and one.last is None for one in containers):
        return "Pending"
    if any(isinstance(one.state, Running) for one in containers) or restart_policy == "Always":
        return "Running"
    ends = [one.state if isinstance(one.state, Terminated) else one.last for one in containers]
    if any(isinstance(one.state, Waiting) for one in containers):
        return "Running"
    if all(end is not None and end.exit_code == 0 for end in ends):
        return "Succeeded"
    return "Failed" if restart_policy == "Never" else "Running"


def conditions(
    pod: Mapping[str, Any],
    before: Mapping[str, Mapping[str, Any]],
    pod_phase: str,
    init: Sequence[ContainerView],
    containers: Sequence[ContainerView],
    moment: str,
) -> list[Json]:
    """Return the pod's conditions.

    Parameters
    ----------
    pod : Mapping
        The pod; its readiness gates are read, conditions of others (``DisruptionTarget``) are
        not touched.
    before : Mapping
        Conditions by type as they were; the transition times of unchanged ones are kept.
    pod_phase : str
        Result of :func:`phase`.
    init, containers : sequence of ContainerView
        All containers of the pod.
    moment : str
        The present time.
    """
    pending_init = [
        one.name
        for one in init
        if not (isinstance(one.state, Terminated) and one.state.exit_code == 0)
    ]
    unready = [one.name for one in containers if not one.ready]
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or []]
    closed = [gate for gate in gates if before.get(gate, {}).get("status") != "True"]
    finished = pod_phase in ("Succeeded", "Failed")

    def condition(kind: str, good: bool, reason: str = "", message: str = "") -> Json:
        status = "True" if good else "False"
        old = before.get(kind, {})
        since = old.get("lastTransitionTime") if old.get("status") == status else None
        # nulls clear what an earlier status left there: the patch is a merge
        return {
            "type": kind,
            "status": status,
            "lastTransitionTime": since or moment,
            "reason": (reason or None) if not good else None,
            "message": (message or None) if not good else None,
        }

    why = "PodCompleted" if pod_phase == "Succeeded" else "PodFailed" if finished else ""
    what = f"containers with unready status: [{' '.join(unready)}]" if not finished else ""
    ready_reason = why or ("ContainersNotReady" if unready else "ReadinessGatesNotReady")
    gate_text = f"the status of pod readiness gates is not True: {closed}"
    return [
        condition("PodReadyToStartContainers", not finished),
        condition(
            "Initialized",
            not pending_init,
            "ContainersNotInitialized",
            f"containers with incomplete status: [{' '.join(pending_init)}]",
        ),
        condition("ContainersReady", not unready, why or "ContainersNotReady", what),
        condition(
            "Ready", not unready and not closed, ready_reason, what if unready else gate_text
        ),
        condition("PodScheduled", True),
    ]
