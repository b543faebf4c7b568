"""A new version that crashes as soon as it starts."""

from __future__ import annotations

from onemachine.demo.scenarios import parcels
from onemachine.demo.scenarios.ground import Ground
from onemachine.demo.scenarios.record import Scenario
from onemachine.processes.waiting import wait_until
from onemachine.stack.names import NAMESPACE

__all__ = ["CRASH_LOOP"]

_GOOD, _BAD = "1.4.2", "1.4.3"
_CRASHES = "echo 'cannot read /etc/parcels/depots.yaml: no such file' >&2; exit 1"
_UP_SECONDS = 60


def _prepare(ground: Ground) -> None:
    ground.apply(parcels.deployment(_GOOD))
    wait_until(lambda: parcels.is_up(ground), "parcels to be up", _UP_SECONDS)


def _roll_out(ground: Ground) -> None:
    ground.apply(parcels.deployment(_BAD, script=_CRASHES))


CRASH_LOOP = Scenario(
    name="crash-loop",
    breaks=f"parcels is rolled out from {_GOOD} to {_BAD}, which ends as soon as it starts",
    alert="KubePodCrashLooping",
    about={"namespace": NAMESPACE, "container": parcels.NAME},
    runbook="RollBackYoungRollout",
    answer="acts",
    action="rollback_workload",
    ends=f"the rollout is young, so version {_GOOD} is brought back",
    prepare=_prepare,
    breaking=_roll_out,
    evidence=(f"{parcels.NAME}:{_BAD}", f"{parcels.NAME}:{_GOOD}", "rolled out", "by kubectl"),
    closed_by_data=True,
    mended=lambda ground: parcels.rolled_out(ground, _GOOD),
)
