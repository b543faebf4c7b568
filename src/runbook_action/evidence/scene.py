"""What a collection is about, and what its sources give."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from runbook_action.evidence.ports import Tools
from runbook_action.history import KEEPERS, revisions_of
from runbook_action.objects import Autoscaler, KubernetesObject, Pod, Revision, Workload
from runbook_action.ports import Right
from runbook_action.rights import WORKLOADS

T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """One fact in plain words, for whoever is called.

    Attributes
    ----------
    rank
        The lowest is told first: below 20 what changed, below 40 how things fail, then the rest.
    text
        A sentence without a full stop.
    """

    rank: int
    text: str


@dataclass(frozen=True)
class Gathered:
    """What a source found: JSON-able facts, and what of them people should read."""

    facts: Mapping[str, Any]
    findings: Sequence[Finding] = ()


@dataclass
class Scene:
    """The objects that an alert is about, and what several sources look at, read once.

    Attributes
    ----------
    began
        When the alert began.
    subject
        The workload, Job, pod, claim or node that the alert leads to; None where it leads to none.
    node
        Name of the node that the alert names; empty if none.
    pod
        Name of the pod that the alert names; empty if none.
    namespaces
        Where the deployment may look.
    """

    tools: Tools
    alert: Mapping[str, Any]
    began: datetime
    now: datetime
    subject: KubernetesObject | None
    node: str = ""
    pod: str = ""
    namespaces: Sequence[str] = ()
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _known: dict[str, Any] = field(default_factory=dict)

    @property
    def workload(self) -> Workload | None:
        """The subject, if it is a Deployment, StatefulSet or DaemonSet."""
        found = self.subject
        return cast(Workload, found) if found is not None and found.kind in WORKLOADS else None

    def pods(self) -> Sequence[Pod]:
        """The pods of the subject that are neither done nor on their way out."""
        return self._once("pods", self._pods)

    def revisions(self) -> Sequence[Revision]:
        """The earlier templates of the workload, the newest first."""
        workload = self.workload
        if workload is None or workload.kind not in KEEPERS:
            return []
        return self._once("revisions", lambda: revisions_of(self.tools.cluster, workload))

    def autoscaler(self) -> Autoscaler | None:
        """The one that scales the workload."""
        workload = self.workload
        if workload is None:
            return None
        found = self._once(
            "autoscalers", lambda: self.tools.cluster.autoscalers(workload.namespace)
        )
        scaling = (each for each in found if each.scales(workload.kind_name, workload.name))
        return next(scaling, None)

    def _pods(self) -> Sequence[Pod]:
        cluster, subject = self.tools.cluster, self.subject
        if subject is None:
            return []
        if subject.kind == "pod":
            return [cast(Pod, subject)]
        if subject.kind == "node":
            fields = f"spec.nodeName={subject.name}"
            found = [
                cast(Pod, each)
                for namespace in self.namespaces
                for each in cluster.list("pod", namespace, fields=fields)
            ]
        elif self.workload is not None:
            found = list(cluster.pods(subject.namespace, self.workload.selector))
        elif subject.kind == "job":
            selector = f"batch.kubernetes.io/job-name={subject.name}"
            # Those that have ended are what it is about.
            return list(cluster.pods(subject.namespace, selector))
        else:
            return []
        return [each for each in found if not each.terminating and not _done(each)]

    def _once(self, name: str, read: Callable[[], T]) -> T:
        # A second source waits for the first; what failed is tried again.
        with self._lock:
            if name not in self._known:
                self._known[name] = read()
            return cast(T, self._known[name])


def _done(pod: Pod) -> bool:
    return pod.status.get("phase") == "Succeeded"


class Source(Protocol):
    """One thing to look at. It fails alone."""

    @property
    def name(self) -> str:
        """As the evidence calls it."""

    @property
    def seconds(self) -> float:
        """How long it may take."""

    @property
    def rights(self) -> Sequence[Right]:
        """What of the cluster it reads."""

    def about(self, scene: Scene) -> bool:
        """Whether there is anything to look at."""

    def gather(self, scene: Scene) -> Gathered:
        """Look at it. Changes nothing.

        Raises
        ------
        RunbookActionError
            It could not be read.
        """
