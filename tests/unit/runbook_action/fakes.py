"""A cluster and a parameter store in memory that can fail on command.

They do what the actions rely on: versions, generations, template annotations that reach the pods,
and a rollout that moves one step each time somebody waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from runbook_action.approval import Approval
from runbook_action.errors import ClusterConflict
from runbook_action.leases import Lease
from runbook_action.ports import Lock, Services
from runbook_action.request import Operation, Request, Target, TargetKind
from tests.unit.runbook_action.calls import Calls
from tests.unit.runbook_action.fake_catalogue import (
    FakeCatalogue,
    FakeIdentities,
    FakeLocks,
    FakeNotes,
)
from tests.unit.runbook_action.fake_cluster import FakeCluster

PARAMETER = "/checkout/degraded_mode"
CLUSTER_NAME = "sre-platform"
INCIDENT = "7b0f0f5e-8a52-5b1e-9f0a-3d1f7a6c2e11"
OTHER_INCIDENT = "0c9d6e57-5d2c-5b0e-8e0b-1c1d2e3f4a5b"
TOKEN = f"{INCIDENT}/1"  # of the first step


@dataclass
class FakeParameters:
    """The parameter store."""

    calls: Calls
    values: dict[str, str] = field(default_factory=dict)
    writes: int = 1
    #: When it was last written; before the first write nobody knows.
    at: datetime | None = None
    now: Callable[[], datetime | None] = lambda: None

    def get(self, name: str) -> str | None:
        return self.calls.run("get parameter", lambda: self.values.get(name))  # type: ignore[no-any-return]  # of the lambda

    def put(self, name: str, value: str) -> None:
        self.calls.run("put parameter", lambda: self.human(value, name))

    def human(self, value: str, name: str = PARAMETER) -> None:
        """Somebody writes it, which no call of ours counts."""
        self.values[name] = value
        self.writes += 1
        self.at = self.now()

    def version(self, name: str) -> int:
        return self.calls.run("get parameter", lambda: self.writes)  # type: ignore[no-any-return]  # of the lambda

    def written_at(self, name: str) -> datetime | None:
        return self.calls.run("get parameter", lambda: self.at)  # type: ignore[no-any-return]  # of the lambda


@dataclass
class FakeLeases:
    """The store of leases, its writes bound to versions as the table's are."""

    calls: Calls
    kept: dict[str, Lease] = field(default_factory=dict)

    def read(self, thing: str) -> Lease | None:
        return self.calls.run("read lease", lambda: self.kept.get(thing))  # type: ignore[no-any-return]  # of the lambda

    def write(self, thing: str, lease: Lease) -> None:
        def write() -> None:
            self._expect(thing, lease.version - 1)
            self.kept[thing] = lease

        self.calls.run("write lease", write)

    def delete(self, thing: str, version: int) -> None:
        def delete() -> None:
            if thing in self.kept:
                self._expect(thing, version)
                del self.kept[thing]

        self.calls.run("delete lease", delete)

    def _expect(self, thing: str, version: int) -> None:
        found = self.kept[thing].version if thing in self.kept else 0
        if found != version:
            raise ClusterConflict(f"the lease of {thing} has version {found}, not {version}")


@dataclass
class FakeClock:
    """Time that passes only by sleeping; each sleep lets the cluster settle."""

    cluster: FakeCluster
    seconds_left: float = 90.0
    time: datetime = datetime(2026, 11, 23, 15, 14, 52, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def remaining(self) -> float:
        return self.seconds_left

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.seconds_left -= seconds
        self.cluster.settle()


@dataclass
class World:
    """Everything outside the action."""

    calls: Calls
    cluster: FakeCluster
    parameters: FakeParameters
    clock: FakeClock
    leases: FakeLeases
    catalogue: FakeCatalogue = field(default_factory=FakeCatalogue)
    identities: FakeIdentities = field(default_factory=FakeIdentities)
    approvals: FakeNotes = field(default_factory=FakeNotes)
    chat_role: str = ""
    runs: FakeNotes = field(default_factory=FakeNotes)
    locks: FakeLocks = field(default_factory=lambda: FakeLocks(Lock(INCIDENT, 2e9)))

    @property
    def approval(self) -> Approval:
        return Approval(self.identities, self.approvals, "000000000000", self.chat_role)

    @classmethod
    def new(
        cls,
        replicas: int = 3,
        parameter: str | None = "false",
        kind: TargetKind = "deployment",
    ) -> World:
        calls = Calls()
        cluster = FakeCluster.of(calls, replicas, kind)
        values = {} if parameter is None else {PARAMETER: parameter}
        clock, leases = FakeClock(cluster), FakeLeases(calls)
        parameters = FakeParameters(calls, values, now=clock.now)
        return cls(calls, cluster, parameters, clock, leases)

    @property
    def services(self) -> Services:
        return Services(
            self.cluster,
            self.parameters,
            self.clock,
            PARAMETER,
            self.leases,
            CLUSTER_NAME,
            self.catalogue,
            self.locks,
            self.runs,
        )

    def state(self) -> dict[str, Any]:
        """What an action can leave behind, without versions and the time of the restart."""
        annotations = dict(self.cluster.template_annotations)
        annotations.pop("kubectl.kubernetes.io/restartedAt", None)
        return {
            "parameter": dict(self.parameters.values),
            "marks": dict(self.cluster.raw["metadata"].get("annotations", {})),
            "template": annotations,
            "replicas": self.cluster.raw["spec"]["replicas"],
        }


def request(
    action: str,
    operation: Operation = "execute",
    *,
    incident_id: str = INCIDENT,
    undo: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    kind: TargetKind = "deployment",
    name: str = "checkout",
    step: int = 1,
) -> Request:
    """A checked request."""
    namespace = None if kind == "node" else "apps"
    target = Target(None, namespace, kind, name)
    return Request(operation, action, target, incident_id, parameters or {}, undo, step)
