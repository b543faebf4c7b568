"""The last lines of containers that ended, and of those that run: for whoever looks into it.

They are no findings: what an application writes is not for a page or a chat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runbook_action.errors import AccessDenied, FinalError
from runbook_action.evidence.redaction import MASK, redact_text
from runbook_action.evidence.scene import Gathered, Scene
from runbook_action.objects import Json, Pod
from runbook_action.ports import Right

_LINES = 40
_READ = 65_536  # bytes that are asked for, before what they hold is redacted and cut
_KEPT = 8_000  # characters of one log
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,40}-----")
_PODS = 2
_CONTAINERS = 2


class LastWords:
    """Logs of the worst pods' containers."""

    name = "logs"
    seconds = 5.0
    rights = (Right("", "pods/log", "get"),)

    def about(self, scene: Scene) -> bool:
        """Whether the alert leads to anything that has pods."""
        return scene.subject is not None and scene.subject.kind != "node"

    def gather(self, scene: Scene) -> Gathered:
        """Read the end of a few logs."""
        worst = sorted(scene.pods(), key=lambda pod: _badness(pod, scene.pod), reverse=True)
        told = []
        for pod in worst[:_PODS]:
            for container in _containers(pod)[:_CONTAINERS]:
                told += _logs(scene, pod, container)
        return Gathered({"logs": told})


def _badness(pod: Pod, named: str) -> tuple[bool, bool, int]:
    statuses = pod.status.get("containerStatuses") or []
    restarts = sum(int(each.get("restartCount") or 0) for each in statuses)
    return pod.name == named, not pod.ready, restarts


def _containers(pod: Pod) -> Sequence[Json]:
    """Give the containers of a pod, the worst first."""
    found: list[Json] = [
        *(pod.status.get("containerStatuses") or []),
        *(each for each in pod.status.get("initContainerStatuses") or [] if not each.get("ready")),
    ]
    return sorted(
        found, key=lambda each: (bool(each.get("ready")), -int(each.get("restartCount") or 0))
    )


def _logs(scene: Scene, pod: Pod, container: Json) -> list[dict[str, Any]]:
    name = str(container.get("name"))
    told: list[dict[str, Any]] = []
    for previous in (True, False) if int(container.get("restartCount") or 0) else (False,):
        what = {"pod": pod.name, "container": name, "run": "ended" if previous else "current"}
        try:
            text = scene.tools.logs.tail(
                pod.namespace, pod.name, name, previous=previous, lines=_LINES, most=_READ
            )
        except AccessDenied:
            raise  # the right is left out: it is missing for each of them
        except FinalError as error:
            told.append({**what, "why_not": redact_text(str(error))[:300]})
            continue
        told.append({**what, "lines": _shown(text)})
    return told


def _shown(text: str) -> list[str]:
    if len(text.encode()) >= _READ:
        # Its last line may end amid a secret, which would have no shape any more.
        text = text.rpartition("\n")[0]
    text = redact_text(text)
    cut_off = _PEM_END.search(text)
    if cut_off is not None:
        # The lines before are those of a key, perhaps, whose first line was further up.
        text = MASK + text[cut_off.end() :]
    lines = text.splitlines()
    kept: list[str] = []
    room = _KEPT
    for line in reversed(lines):
        line = line if len(line) <= 500 else f"{line[:499]}…"
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept[::-1]
