"""All that a rehearsal's runbook can see and change."""

from __future__ import annotations

from runbook_action.ports import Services
from srectl.rehearsal.cases import Case
from srectl.rehearsal.cluster import MemoryCluster
from srectl.rehearsal.controllers import settle
from srectl.rehearsal.manifests import Key, ManifestRefused
from srectl.rehearsal.services import (
    GivenAutomations,
    GivenChecks,
    GivenMetrics,
    MemoryLeases,
    MemoryNotes,
    MemoryParameters,
    NothingLocked,
    NothingPublished,
    StandingClock,
)

__all__ = ["World"]

_DEGRADED_MODE = "/checkout/degraded_mode"


class World:
    """A cluster, a parameter store and a clock, as one test begins with them.

    Parameters
    ----------
    objects
        What the cluster holds, but for what the test takes away.
    case
        The test.
    """

    # ActionTimeoutSeconds of the template in calls of a minute.
    calls = 10

    def __init__(self, objects: dict[Key, dict[str, object]], case: Case) -> None:
        self.case = case
        for gone in case.without:
            kind, _, place = gone.partition(" ")
            namespace, _, name = place.rpartition("/")
            if objects.pop((kind, namespace, name), None) is None:  # type: ignore[arg-type]  # any text
                raise ManifestRefused(f"without: there is no {gone} that could be taken away")
        self.clock = StandingClock(case.now)
        self.cluster = MemoryCluster(objects, settle, self.clock.now)
        self.parameters = MemoryParameters({_DEGRADED_MODE: "false", **case.parameters})
        self.services = Services(
            cluster=self.cluster,
            parameters=self.parameters,
            clock=self.clock,
            degraded_mode_parameter=_DEGRADED_MODE,
            leases=MemoryLeases(),
            cluster_name=case.stack.cluster,
            catalogue=NothingPublished(),
            locks=NothingLocked(),
            runs=MemoryNotes(),
            automations=GivenAutomations(case.automations),
            checks=GivenChecks(case.checks),
            prometheus=GivenMetrics(case.metrics) if case.metrics else None,
            only_annotated=case.stack.only_annotated,
        )
