"""Mends ``FilterArns`` of a replay.

EventBridge replays archived events only to the rules that the replay names. The emulator keeps the
list and replays to every rule of the bus.
"""

from __future__ import annotations

from typing import Any

from ministack.services import eventbridge

from onemachine.aws.mends.event_dead_letters import rule_arn


def _is_meant(event: dict[str, Any], rule: dict[str, Any]) -> bool:
    replay = eventbridge._replays.get(event.get("ReplayName", ""))
    wanted = (replay or {}).get("Destination", {}).get("FilterArns")
    return not wanted or rule_arn(rule) in wanted


def apply() -> None:
    """Leave out the targets of rules that a replay does not name."""
    stock = eventbridge._invoke_target

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        if _is_meant(event, rule):
            stock(target, event, rule, view)

    eventbridge._invoke_target = invoke_target
