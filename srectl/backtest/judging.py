"""What a catalogue would have done for each incident, one after the other as they came.

The guards that depend on what was done before (lock, loop breaker, cooldown, trust) are played: on
what this very catalogue would have done. How long something that was never done would have taken
is not known; it counts as long as the incident was really worked on.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from srectl.backtest.reality import (
    lock_named,
    locks_of,
    reality_of,
    recorded_stop,
    span_of,
    stored_plan,
)
from srectl.operate.plans import Decision, Limits, decide

__all__ = ["KINDS", "Verdict", "judge"]

Record = Mapping[str, Any]

#: What a verdict may be, the most that is done first.
KINDS = ("acts", "asks", "observes", "stopped", "nothing")


@dataclass(frozen=True)
class Verdict:
    """What would have become of an incident.

    Attributes
    ----------
    kind
        One of :data:`KINDS`.
    runbook
        The one that was selected; empty where none was.
    why
        The guard that stopped it, why it asks, or why there is nothing to do.
    steps
        Each step, with its target as far as it is known without the cluster; of what was stopped
        none.
    plan
        What was really planned, where the same runbook really had the incident in hand: nothing
        else is on record.
    """

    kind: str
    runbook: str = ""
    why: str = ""
    steps: tuple[str, ...] = ()
    plan: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        """Say it in a few words."""
        told = " ".join(each for each in (self.kind, self.runbook) if each)
        if self.kind in ("acts", "asks"):
            told += f": {'; '.join(self.steps)}"
        return f"{told} ({self.why})" if self.why else told

    def as_json(self) -> dict[str, Any]:
        """Give it for other programs."""
        return {
            "kind": self.kind,
            "runbook": self.runbook or None,
            "why": self.why,
            "steps": list(self.steps),
            "plan": list(self.plan),
        }


@dataclass
class _Target:
    """What was done to a target so far, as Unix times; and how often in a row it did not help.

    The loop breaker counts by when each began (``acted``), the cooldown begins at the last one's
    end (``acted_until``).
    """

    acted: list[float] = field(default_factory=list)
    acted_until: float = -math.inf
    busy_until: float = 0.0
    unhelped: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def judge(
    records: Sequence[Record],
    catalogue: Mapping[str, Mapping[str, Any]],
    limits: Limits,
    ask_after: int = 3,
) -> dict[str, Verdict]:
    """Give the verdict on each incident, by its id.

    Parameters
    ----------
    records
        The incidents.
    catalogue
        What an alert may want → definition.
    limits
        What the deployment allows.
    ask_after
        AskAfterUnhelped of the deployment.
    """
    targets: dict[str, _Target] = defaultdict(_Target)
    return {
        str(each["incident_id"]): _judged(each, catalogue, limits, ask_after, targets)
        for each in sorted(records, key=lambda one: span_of(one)[0])
    }


def _judged(
    record: Record,
    catalogue: Mapping[str, Mapping[str, Any]],
    limits: Limits,
    ask_after: int,
    targets: dict[str, _Target],
) -> Verdict:
    decision = decide(_alert_of(record), catalogue, limits)
    steps = tuple(_told(each) for each in decision.steps)
    if decision.refusals or decision.evidence_only:
        why = "; ".join(decision.refusals) or f"evidence only: {decision.evidence_only}"
        return Verdict("nothing", decision.runbook, why)
    stop = recorded_stop(record)
    if stop:
        return Verdict("stopped", decision.runbook, stop)
    real = reality_of(record)
    mine = real.runbook == decision.runbook
    plan = tuple(stored_plan(record)) if mine else ()
    if decision.observes:
        return Verdict("observes", decision.runbook, "", steps, plan)
    hands = [targets[key] for key in _locks(record, decision, mine=mine)]
    start, stop_at = span_of(record)
    guard = _guard(hands, decision, start)
    if guard:
        return Verdict("stopped", decision.runbook, guard)
    in_a_row = max((each.unhelped[decision.runbook] for each in hands), default=0)
    kind, why = "acts", ""
    if decision.asks or any(each["approval"]["required"] for each in decision.steps):
        kind = "asks"
    elif 0 < ask_after <= in_a_row:
        kind, why = "asks", f"it did not help {in_a_row} times in a row"
    # A human's no, or silence, or what ended meanwhile, is known of what waits for one alone.
    is_attempt = not mine or real.began or kind != "asks"
    for each in hands:
        if is_attempt:
            each.acted.append(start)
            each.acted_until = stop_at
        each.busy_until = stop_at
        if mine and real.acted and real.code != "end-not-heard":
            each.unhelped[decision.runbook] = 0 if real.helped else in_a_row + 1
    return Verdict(kind, decision.runbook, why, steps, plan)


def _guard(hands: Collection[_Target], decision: Decision, start: float) -> str:
    """Say which guard would have stopped it, in the order in which state MayAct asks them."""
    limits = decision.guard
    recent = [[at for at in each.acted if at > start - limits["window_seconds"]] for each in hands]
    if any(each.busy_until > start for each in hands):
        return "joins the remediation under way"
    if any(len(each) >= limits["max_actions"] for each in recent):
        return "loop breaker"
    if any(each.acted_until + limits["cooldown_seconds"] > start for each in hands):
        return "cooldown"
    return ""


def _locks(record: Record, decision: Decision, *, mine: bool) -> set[str]:
    """Give what it would have locked: what it really had, else what is named."""
    real = locks_of(record) if mine else set()
    if real:
        return real
    found = set()
    alert = record.get("target")
    for each in decision.steps:
        target = each["target"]
        by_alert = " or " in str(target["name"]) or any(
            sign in str(target["name"]) for sign in "*?"
        )
        named = alert if by_alert and isinstance(alert, dict) else target
        cluster = {"cluster": named.get("cluster") or target["cluster"]}
        found.add(lock_named({**named, **cluster}))
    return found - {""}


def _alert_of(record: Record) -> dict[str, Any]:
    """Give the alert as it fired, as far as its record has it."""
    kept = ("incident_id", "alert_name", "severity", "runbook", "labels", "target")
    notice = {"notice": True} if record.get("escalation_code") == "notice" else {}
    return {**{each: record.get(each) for each in kept}, "status": "firing", **notice}


def _told(step: Mapping[str, Any]) -> str:
    target = step["target"]
    place = "/".join(str(target[key]) for key in ("namespace", "name") if target.get(key))
    first = " after approval" if step["approval"]["required"] else ""
    when = f" if {len(step['when'])} conditions hold" if step["when"] else ""
    return f"{step['action']} {target['kind']} {place}{first}{when}"
