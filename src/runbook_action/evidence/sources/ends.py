"""Why containers ended or do not start, as their kubelets say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.words import counted, image_of, plain
from runbook_action.objects import Json, Pod
from runbook_action.rights import rights

_PODS = 20  # that are listed one by one
_IMAGE = frozenset({"ErrImagePull", "ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName"})
# A container that waits for these tells nothing but that it ended, which is told by its end.
_AFTER_AN_END = frozenset({"CrashLoopBackOff", "ContainerCreating", "PodInitializing"})


class Ends:
    """The containers of the pods."""

    name = "ends"
    seconds = 4.0
    rights = rights("pod", "get", "list")

    def about(self, scene: Scene) -> bool:
        """Whether the alert leads to anything that has pods."""
        return scene.subject is not None

    def gather(self, scene: Scene) -> Gathered:
        """Read what the status of each pod says."""
        pods = scene.pods()
        told = [_of(pod) for pod in pods]
        worst = sorted(told, key=lambda each: (each["ready"], -each["restarts"]))
        facts = {"pods": len(pods), "worst": worst[:_PODS], "restarts": sum(_restarts(told))}
        findings = [
            Finding(rank, f"{counted(len(which), len(pods))} {what}")
            for (rank, what), which in _grouped(pods).items()
        ]
        return Gathered(facts, sorted(findings, key=lambda each: each.rank))


def _restarts(told: list[dict[str, Any]]) -> list[int]:
    return [int(each["restarts"]) for each in told]


def _grouped(pods: Any) -> dict[tuple[int, str], set[str]]:
    """Which pods each thing is true of."""
    found: dict[tuple[int, str], set[str]] = {}
    for pod in pods:
        for about in dict.fromkeys(_wrong_with(pod)):
            found.setdefault(about, set()).add(pod.name)
    return found


def _wrong_with(pod: Pod) -> Iterator[tuple[int, str]]:
    if pod.status.get("reason") == "Evicted":
        yield 22, f"evicted: {plain(pod.status.get('message') or 'no reason given', 120)}"
    scheduled = pod.condition("PodScheduled")
    if scheduled.get("status") == "False":
        yield 21, f"cannot be scheduled: {plain(scheduled.get('message') or '', 160)}"
    limits = _memory_limits(pod)
    for status in _statuses(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        reason = str(waiting.get("reason") or "")
        if reason in _IMAGE:
            yield 20, f"cannot pull image {image_of(str(status.get('image')))} ({reason})"
        elif reason and reason not in _AFTER_AN_END:
            said = plain(waiting.get("message") or "", 120)
            yield 20, f"cannot start: {plain(reason, 60)} {said}".rstrip()
        ended = _end_of(status)
        if not ended:
            continue
        if ended.get("reason") == "OOMKilled":
            limit = limits.get(str(status.get("name")))
            yield 20, f"OOMKilled{f' at {limit}' if limit else ''}"
        elif ended.get("reason") not in ("Completed", None) or ended.get("exitCode"):
            yield 24, _exited(status, ended)


def _exited(status: Json, ended: Json) -> str:
    code, signal = ended.get("exitCode"), ended.get("signal")
    what = f"signal {signal}" if signal else f"exit code {code}"
    reason = str(ended.get("reason") or "Error")
    why = "" if reason == "Error" else f" ({plain(reason, 40)})"
    return f"ended with {what}{why} in container {plain(status.get('name'), 63)}"


def _end_of(status: Json) -> Json:
    """Give how a container ended last; nothing for one that prepares its pod and did."""
    for state in ("state", "lastState"):
        if ended := (status.get(state) or {}).get("terminated"):
            found: Json = ended
            return found
    return {}


def _statuses(pod: Pod) -> list[Json]:
    return [
        *(pod.status.get("initContainerStatuses") or []),
        *(pod.status.get("containerStatuses") or []),
    ]


def _memory_limits(pod: Pod) -> dict[str, str]:
    containers = [
        *(pod.spec.get("containers") or []),
        *(pod.spec.get("initContainers") or []),
    ]
    limits = {
        str(each.get("name")): ((each.get("resources") or {}).get("limits") or {}).get("memory")
        for each in containers
    }
    return {name: plain(limit, 20) for name, limit in limits.items() if limit}


def _of(pod: Pod) -> dict[str, Any]:
    statuses = _statuses(pod)
    ends = Counter(str(_end_of(each).get("reason")) for each in statuses if _end_of(each))
    return {
        "name": pod.name,
        "node": pod.node,
        "phase": pod.status.get("phase"),
        "ready": pod.ready,
        "started_at": pod.status.get("startTime"),
        "restarts": sum(int(each.get("restartCount") or 0) for each in statuses),
        "ends": dict(ends),
        "containers": [
            {
                "name": each.get("name"),
                "image": each.get("image"),
                "restarts": each.get("restartCount"),
                "ready": each.get("ready"),
                "state": each.get("state"),
                "last_end": (each.get("lastState") or {}).get("terminated"),
            }
            for each in statuses[:10]
        ],
    }
