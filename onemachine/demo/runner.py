"""The demonstration from its begin to its end: start, break, watch, judge, take down."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from onemachine.demo.milestones import Baseline, Pace, incident_milestones
from onemachine.demo.performance import CALM_SECONDS, Escalated, Performance, unless_away
from onemachine.demo.verdict import Evidence, judge
from onemachine.demo.watch import watch
from onemachine.demo.world import World
from onemachine.processes.waiting import wait_until
from onemachine.stack.names import CHAOS_PARAMETER
from onemachine.stack.state import StackState

__all__ = ["Demo"]

ERROR_RATE = 0.3
_CALM_TIMEOUT = 60.0


@dataclass
class Demo(Performance):
    """Checkout fails, and the platform repairs it."""

    _peak: float = field(default=0.0, init=False)

    def _break_and_watch(self, state: StackState) -> None:
        folder, pace = self.request.folder, self._pace()
        world = World(folder, state)
        self.teller.note(f"waiting for {CALM_SECONDS} seconds without a failed checkout")
        wait_until(lambda: _is_calm(world), "steady healthy traffic", _CALM_TIMEOUT)
        pods = world.pods()
        before = world.error_ratio(CALM_SECONDS)
        self.account.pods["before"] = {pod.name: pod.uid for pod in pods}

        world.since = self.account.fault_at = time.time()
        self.account.fault = {"error_rate": ERROR_RATE}
        _switch_chaos_on(world)
        self.teller.note(
            f"chaos on: {ERROR_RATE:.0%} of the checkouts fail in their optional steps. "
            "From here on nobody touches anything."
        )
        try:
            watch(
                incident_milestones(
                    world, Baseline(frozenset(pod.uid for pod in pods), len(pods)), pace
                ),
                on_reached=self._on_reached,
                between=lambda: self._look(world, pace),
            )
        finally:
            self._collect(world)
            after = unless_away(world.pods) or []
            self.account.pods["after"] = {pod.name: pod.uid for pod in after}
        ratio = world.error_ratio(pace.ratio_window)
        self.account.error_ratio = {"before": before, "peak": self._peak, "after": ratio}
        evidence = Evidence(
            self.account.incident or {},
            self.account.pods["before"],
            self.account.pods["after"],
            before,
            self._peak,
            ratio,
        )
        self.account.checks = judge(evidence)
        failed = [check.name for check in self.account.checks if not check.passed]
        if failed:
            self._ended("not-proven", f"this did not hold: {'; '.join(failed)}")
        else:
            self._ended("resolved", "")

    def _look(self, world: World, pace: Pace) -> None:
        """Keep the worst error ratio; end at once where a human was called or a process died."""
        ratio = world.error_ratio(min(pace.ratio_window, CALM_SECONDS))
        self._peak = max(self._peak, ratio or 0.0)
        record = unless_away(world.record)
        if record is not None and record["status"] == "escalated":
            raise Escalated.of(record)
        self._end_where_a_process_died()


def _is_calm(world: World) -> bool:
    lines = world.traffic(CALM_SECONDS + 1)
    return (
        len(lines) >= CALM_SECONDS
        and all(line["ok"] > 0 and line["error"] == line["lost"] == 0 for line in lines)
        and world.scraped_pods() == len(world.pods())
        and world.prometheus_alert() is None
    )


def _switch_chaos_on(world: World) -> None:
    world.client("ssm").put_parameter(
        Name=CHAOS_PARAMETER,
        Type="String",
        Value=json.dumps({"error_rate": ERROR_RATE}),
        Overwrite=True,
    )
