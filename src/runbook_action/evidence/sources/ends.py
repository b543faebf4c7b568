"""Why containers ended or do not start, as their kubelets say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from runbook_action.evidence.scene import Finding, Gathered, Scene
from runbook_action.evidence.words import counted, image_of, last_seen, plain
from runbook_action.objects import Json, Pod, moment_of
from runbook_action.rights import rights

_PODS = 20  # that are listed one by one
_LATELY = timedelta(hours=1)
_LONG_OVER = 56  # the rank of what was so longer ago than that
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
            _finding(wrong, which, len(pods), scene.began)
            for wrong, which in _grouped(pods).items()
        ]
        return Gathered(facts, sorted(findings, key=lambda each: each.rank))


@dataclass(frozen=True)
class _Wrong:
    """What is wrong with a pod, or was: then it is told with the time."""

    rank: int
    what: str
    over: bool = False


def _finding(
    wrong: _Wrong, pods: Mapping[str, datetime | None], of: int, began: datetime
) -> Finding:
    said, times = f"{counted(len(pods), of)} {wrong.what}", [at for at in pods.values() if at]
    if not wrong.over or not times:
        return Finding(wrong.rank, said)
    last = max(times)
    rank = wrong.rank if abs(began - last) <= _LATELY else _LONG_OVER
    return Finding(rank, f"{said}{last_seen(last, began)}")


def _restarts(told: list[dict[str, Any]]) -> list[int]:
    return [int(each["restarts"]) for each in told]


def _grouped(pods: Sequence[Pod]) -> dict[_Wrong, dict[str, datetime | None]]:
    """Which pods each thing is true of, and since when where that is known."""
    found: dict[_Wrong, dict[str, datetime | None]] = {}
    for pod in pods:
        for wrong, at in dict(_wrong_with(pod)).items():
            found.setdefault(wrong, {})[pod.name] = at
    return found


def _wrong_with(pod: Pod) -> Iterator[tuple[_Wrong, datetime | None]]:
    if pod.status.get("reason") == "Evicted":
        # Such a pod stays until it is swept up, for days perhaps.
        why = plain(pod.status.get("message") or "no reason given", 120)
        at = moment_of(pod.condition("Ready").get("lastTransitionTime"))
        yield _Wrong(22, f"evicted: {why}", over=True), at
    scheduled = pod.condition("PodScheduled")
    if scheduled.get("status") == "False":
        why = plain(scheduled.get("message") or "", 160)
        yield _Wrong(21, f"cannot be scheduled: {why}"), None
    limits = _memory_limits(pod)
    for status in _statuses(pod):
        state = status.get("state") or {}
        waiting = state.get("waiting") or {}
        reason = str(waiting.get("reason") or "")
        if reason in _IMAGE:
            image = image_of(str(status.get("image")))
            yield _Wrong(20, f"cannot pull image {image} ({reason})"), None
        elif reason and reason not in _AFTER_AN_END:
            said = plain(waiting.get("message") or "", 120)
            yield _Wrong(20, f"cannot start: {plain(reason, 60)} {said}".rstrip()), None
        ended = _end_of(status)
        if not ended:
            continue
        # What waits to be started again is down by that end; what runs has left it behind.
        over, at = not waiting, moment_of(ended.get("finishedAt"))
        if ended.get("reason") == "OOMKilled":
            limit = limits.get(str(status.get("name")))
            yield _Wrong(20, f"OOMKilled{f' at {limit}' if limit else ''}", over), at
        elif ended.get("reason") not in ("Completed", None) or ended.get("exitCode"):
            yield _Wrong(24, _exited(status, ended), over), at


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
