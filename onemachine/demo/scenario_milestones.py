"""What must be seen on the way from a broken cluster to the answer that a scenario promises."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onemachine.demo.milestones import Pace
from onemachine.demo.scenarios import Ground, Scenario
from onemachine.demo.watch import Milestone, Sighting
from onemachine.demo.world import World, parse_time
from srectl.operate.incidents import opened

__all__ = ["Hands", "scenario_milestones"]

_MOST_SHOWN = 60


@dataclass(frozen=True)
class Hands:
    """What a human does.

    Parameters
    ----------
    approve : callable
        Says yes to what is asked about an incident, by its id.
    mend : callable
        Does what the platform leaves to a human.
    """

    approve: Callable[[str], None]
    mend: Callable[[], None]


def scenario_milestones(
    scenario: Scenario, world: World, ground: Ground, pace: Pace, hands: Hands
) -> tuple[Milestone, ...]:
    """Give every milestone of a scenario, in the order in which they should come.

    Parameters
    ----------
    scenario : Scenario
        What is played.
    world, ground : World, Ground
        The stack, to look at; and its cluster.
    pace : Pace
        How long things may take.
    hands : Hands
        Does what a human does, when it is a human's turn: mends once, and answers each question
        once.
    """
    see = _Probes(scenario, world, ground, hands)
    until_heard = (
        Milestone(
            "alert-pending", f"{scenario.alert} pending in Prometheus", pace.alert,
            see.alert_pending, log="prometheus",
        ),
        Milestone(
            "alert-firing", f"{scenario.alert} firing in Prometheus", pace.alert,
            see.alert_firing, after=("alert-pending",), log="prometheus",
        ),
        Milestone(
            "webhook", "webhook accepted (202) by alert-ingest", pace.delivery, see.webhook,
            after=("alert-firing",), log="alertmanager",
        ),
        Milestone(
            "record", "incident record written", pace.delivery, see.record,
            after=("webhook",), log="aws",
        ),
        Milestone(
            "evidence", "evidence on the record", pace.delivery, see.evidence,
            after=("record",), log="runbook-action",
        ),
        Milestone(
            "runbook", "runbook started", pace.delivery, see.runbook_started,
            after=("record",), log="aws",
        ),
    )  # fmt: skip
    asked = (
        Milestone(
            "asked", "a human is asked, with the plan", pace.delivery, see.asked,
            after=("runbook",), log="runbook-action",
        ),
        Milestone(
            "answered", "the human approves (srectl approve)", pace.delivery, see.answered,
            after=("asked",), log="aws",
        ),
    )  # fmt: skip
    acted = (
        Milestone(
            "acted", f"{scenario.action} done and on record", pace.rollout, see.acted,
            after=("answered" if scenario.answer == "asks" else "runbook",), log="runbook-action",
        ),
    )  # fmt: skip
    told = (
        Milestone(
            "told", "handed to a human, with the reason", pace.rollout, see.told,
            after=("runbook",), log="aws",
        ),
        Milestone(
            "by-hand", "the human mends it", pace.delivery, see.by_hand,
            after=("told",), log="aws",
        ),
    )  # fmt: skip
    carried = (
        Milestone(
            "children", "what stood on it hangs on it", pace.alert, see.children,
            after=("runbook",), log="runbook-action",
        ),
    ) if scenario.children else ()  # fmt: skip
    finished = (
        Milestone(
            "by-hand", "the human does what is left to one", pace.delivery, see.finished,
            after=("acted",), log="aws",
        ),
    ) if scenario.by_hand else ()  # fmt: skip
    middle = {
        "acts": (*carried, *acted, *finished),
        "asks": (*asked, *carried, *acted, *finished),
        "tells": (*carried, *told),
    }[scenario.answer]
    until_over = (
        Milestone(
            "mended", "the cluster is as it should be", pace.rollout, see.mended,
            after=(middle[-1].name,), log="node-agent",
        ),
        Milestone(
            "alert-resolved", "alert no longer firing", pace.recovery, see.alert_resolved,
            after=("mended",), log="prometheus",
        ),
        Milestone(
            "closed", "incident resolved", pace.closing, see.closed,
            after=("alert-resolved",), log="aws",
        ),
        Milestone(
            "closing-notified", "on-call notified of the resolution", pace.closing,
            see.closing_notified, after=("alert-resolved",), log="receiver",
        ),
    )  # fmt: skip
    return (*until_heard, *middle, *until_over)


@dataclass
class _Probes:
    scenario: Scenario
    world: World
    ground: Ground
    hands: Hands
    _fired: bool = False
    _mended: Sighting | None = field(default=None, init=False)
    _asked_at: float = field(default=0.0, init=False)
    _answer: Sighting | None = field(default=None, init=False)
    _answered: set[str] = field(default_factory=set, init=False)

    def alert_pending(self) -> Sighting | None:
        alert = self.world.prometheus_alert()
        if alert is None:
            return None
        return Sighting(parse_time(alert["activeAt"]), _labels(alert))

    def alert_firing(self) -> Sighting | None:
        alert = self.world.prometheus_alert()
        if alert is None or alert["state"] != "firing":
            return None
        self._fired = True
        return Sighting(time.time())

    def webhook(self) -> Sighting | None:
        record = self._record()
        for each in self.world.accepted():
            if record and record["incident_id"] in each.incident_ids:
                return Sighting(each.at, f"incident {record['incident_id']}")
        return None

    def record(self) -> Sighting | None:
        record = self._record()
        if record is None:
            return None
        return Sighting(time.time(), f"severity {record['severity']}")

    def evidence(self) -> Sighting | None:
        found = (self._record() or {}).get("evidence")
        if not found:
            return None
        said = found.get("findings") or [found.get("why_not") or "no findings"]
        return Sighting(parse_time(found["at"]), "; ".join(map(str, said[:3])))

    def runbook_started(self) -> Sighting | None:
        record = self._record()
        if record is None or "runbook_execution" not in record:
            return None
        execution = self.world.execution(record["runbook_execution"])
        return Sighting(execution["startDate"].timestamp(), self.scenario.runbook)

    def asked(self) -> Sighting | None:
        approval = (self._record() or {}).get("approval") or {}
        if not approval.get("token"):
            return None
        return Sighting(time.time(), _words(approval.get("plan")))

    def children(self) -> Sighting | None:
        found = (self._record() or {}).get("children") or []
        if len(found) < self.scenario.children:
            return None
        return Sighting(time.time(), f"incident {', '.join(sorted(found))}")

    def answered(self) -> Sighting | None:
        """Answer each question once: a plan that has become another one is asked once more."""
        record = self._record() or {}
        approval = record.get("approval") or {}
        token = approval.get("token")
        if token and not self._asked_at:
            self._asked_at = time.time()
        if time.time() < self._asked_at + self.scenario.thinks_seconds:
            return None
        if token and token not in self._answered and not approval.get("answer"):
            self.hands.approve(record["incident_id"])
            self._answered.add(token)
            self._answer = self._answer or Sighting(time.time())
        return self._answer

    def acted(self) -> Sighting | None:
        if self.scenario.answer == "asks":
            self.answered()
        for each in (self._record() or {}).get("actions_taken") or []:
            done = (each.get("action"), each.get("operation"), each.get("status"))
            if done == (self.scenario.action, "execute", "succeeded"):
                result = opened(each.get("result")) or {}
                return Sighting(time.time(), _words(result.get("plan")) or each.get("summary", ""))
        return None

    def told(self) -> Sighting | None:
        record = self._record()
        if record is None or record["status"] not in ("escalated", "resolved"):
            return None
        reason = record.get("escalation_reason")
        return Sighting(time.time(), str(reason)) if reason else None

    def by_hand(self) -> Sighting | None:
        return self._mend() if self.told() else None

    def finished(self) -> Sighting | None:
        return self._mend() if self.acted() else None

    def mended(self) -> Sighting | None:
        what = self.scenario.mended(self.ground)
        return Sighting(time.time(), what) if what else None

    def alert_resolved(self) -> Sighting | None:
        alert = self.world.prometheus_alert()
        if not self._fired or (alert is not None and alert["state"] == "firing"):
            return None
        return Sighting(time.time())

    def closed(self) -> Sighting | None:
        record = self._record()
        if record is None or record["status"] != "resolved":
            return None
        return Sighting(time.time(), f"MTTR {record.get('mttr_seconds')} s")

    def closing_notified(self) -> Sighting | None:
        record = self._record()
        for each in self.world.notifications() if record else ():
            message = each.message
            if (
                isinstance(message, Mapping)
                and message.get("incident_id") == (record or {})["incident_id"]
                and message.get("event") == "incident.resolved"
            ):
                return Sighting(each.received_at, str(message.get("message", "")))
        return None

    def _record(self) -> dict[str, Any] | None:
        return self.world.record()

    def _mend(self) -> Sighting:
        """Let the human mend, once."""
        if self._mended is None:
            self.hands.mend()
            self._mended = Sighting(time.time())
        return self._mended


def _labels(alert: Mapping[str, Any]) -> str:
    shown = ("namespace", "pod", "container", "deployment", "horizontalpodautoscaler",
             "persistentvolumeclaim", "node")  # fmt: skip
    labels = alert["labels"]
    return ", ".join(f"{name} {labels[name]}" for name in shown if name in labels)


def _words(plan: Any) -> str:
    """Say in a line what changes."""
    changes = [each for each in opened(plan) or [] if isinstance(each, Mapping)]
    return "; ".join(
        f"{each.get('name')} {each.get('field')}: "
        f"{_brief(each.get('from'))} → {_brief(each.get('to'))}"
        for each in changes
    )


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
