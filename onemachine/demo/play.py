"""A scenario from its begin to its end: start, break, watch, judge, take down."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onemachine.demo.performance import Escalated, Performance, unless_away
from onemachine.demo.scenario_milestones import Hands, scenario_milestones
from onemachine.demo.scenarios import Ground, Scenario
from onemachine.demo.verdict import Check
from onemachine.demo.watch import watch
from onemachine.demo.world import World
from onemachine.processes.waiting import wait_until
from onemachine.stack.state import StackState

__all__ = ["Play", "judged"]

_CALM_TIMEOUT = 90.0
# Messages that want something of a human.
_CALLS = frozenset({"incident.approval-needed", "incident.escalated"})
# How the record says that an end was seen in the data, and told by nobody.
_SEEN = "end seen in the data, not heard"


@dataclass
class Play(Performance):
    """One scenario.

    Parameters
    ----------
    scenario : Scenario
        What is played.
    postmortems : Path
        Folder for the post-mortem of its incident.
    """

    scenario: Scenario
    postmortems: Path

    def _break_and_watch(self, state: StackState) -> None:
        scenario, ground = self.scenario, Ground(self.request.folder, state)
        world = World(
            self.request.folder,
            state,
            alert=scenario.alert,
            about=scenario.about,
            besides=scenario.besides,
        )
        self.teller.note(f"scenario {scenario.name}: {scenario.breaks}")
        ground.switch_on(scenario.runbook, nodes=scenario.needs_nodes)
        scenario.prepare(ground)
        wait_until(
            lambda: world.prometheus_alert() is None,
            f"{scenario.alert} to be silent before anything is broken",
            _CALM_TIMEOUT,
        )
        world.since = self.account.fault_at = time.time()
        self.account.fault = {"scenario": scenario.name, "breaks": scenario.breaks}
        scenario.breaking(ground)
        self.teller.note("broken. What must come now: " + scenario.ends)
        try:
            watch(
                scenario_milestones(
                    scenario, world, ground, self._pace(), _hands(scenario, ground)
                ),
                on_reached=self._on_reached,
                between=lambda: self._look(world),
            )
        finally:
            self._collect(world)
            self._write_postmortem(ground)
        messages = [each.message for each in self.account.notifications]
        self.account.checks = judged(scenario, self.account.incident or {}, messages)
        failed = [check.name for check in self.account.checks if not check.passed]
        if failed:
            self._ended("not-proven", f"this did not hold: {'; '.join(failed)}")
        else:
            self._ended("resolved", "")

    def _write_postmortem(self, ground: Ground) -> None:
        """Write it as somebody would the next morning, while the stack still has the records."""
        its_id = (self.account.incident or {}).get("incident_id")
        if its_id is None:
            return
        folder = self.postmortems / self.scenario.name
        try:
            ground.srectl("incidents", "postmortem", its_id, "--to", str(folder), "--overwrite")
        except OSError as error:
            self.teller.note(f"no post-mortem: {error}")
            return
        (written,) = folder.glob(f"*-{its_id[:8]}.md")
        self.account.postmortem = str(written)

    def _look(self, world: World) -> None:
        """End at once where a human was called who should not be, or a process died."""
        record = unless_away(world.record)
        if self.scenario.answer != "tells" and record and record["status"] == "escalated":
            raise Escalated.of(record)
        self._end_where_a_process_died()


def _hands(scenario: Scenario, ground: Ground) -> Hands:
    """What a human does: answers, as ``srectl approve`` does it, and mends."""
    mend = scenario.by_hand
    return Hands(
        lambda incident_id: ground.srectl("approve", incident_id, "--yes"),
        (lambda: mend(ground)) if mend else (lambda: None),
    )


def judged(
    scenario: Scenario, record: Mapping[str, Any], messages: Sequence[Any] = ()
) -> list[Check]:
    """Check every claim of a scenario against the record, and what people were sent."""
    status, reason = record.get("status"), str(record.get("escalation_reason") or "")
    done = [
        each.get("action")
        for each in record.get("actions_taken") or []
        if (each.get("operation"), each.get("status")) == ("execute", "succeeded")
    ]
    wanted = [scenario.action] if scenario.action else []
    found = " / ".join(map(str, (record.get("evidence") or {}).get("findings") or []))
    by_data = [
        Check(
            "the data closed it before its end was heard",
            any(str(each).startswith(_SEEN) for each in record.get("warnings") or []),
            str(record.get("target_health") or "nothing is said of its health"),
        )
    ]
    approval = record.get("approval") or {}
    again = int(approval.get("asked_before") or 0)
    asked = [
        Check(
            "a human was asked once",
            approval.get("answer") == "approved" and not again,
            f"{approval.get('answer')}, after {again} questions before it",
        )
    ]
    children = list(record.get("children") or [])
    of_children = [
        each.get("event")
        for each in messages
        if isinstance(each, Mapping) and each.get("incident_id") in children
    ]
    # That one began is said where its cause was heard of later than one waits for that.
    of_a_cause = [
        Check(
            "what stood on it hangs on it, and nobody was asked or called for that",
            len(children) >= scenario.children and not _CALLS.intersection(of_children),
            f"{len(children)} children, {len(of_children)} messages about them",
        )
    ]
    return [
        Check("the record says resolved", status == "resolved", f"status is {status}"),
        Check("what was done is what was promised", done == wanted, ", ".join(done) or "nothing"),
        Check(
            "a human was told why" if scenario.answer == "tells" else "no human had to repair it",
            bool(reason) == (scenario.answer == "tells"),
            reason or "it was not escalated",
        ),
        Check(
            "the evidence names what changed",
            all(each in found for each in scenario.evidence),
            found or "no findings",
        ),
        *(asked if scenario.answer == "asks" else []),
        *(by_data if scenario.closed_by_data else []),
        *(of_a_cause if scenario.children else []),
    ]
