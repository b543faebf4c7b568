"""Mends what a schedule starts its target with: Scheduler puts in when it was due.

EventBridge Scheduler replaces its context attributes, such as ``<aws.scheduler.scheduled-time>``,
in the input of a target. The emulator hands the words on as they are.
"""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

from ministack.services import eventbridge

_SOURCE = "aws.scheduler"


def _filled(text: str, event: dict[str, Any]) -> str:
    due = datetime.datetime.fromtimestamp(event["Time"], datetime.UTC)
    attributes = {
        "scheduled-time": f"{due:%Y-%m-%dT%H:%M:%SZ}",
        "schedule-arn": event["Resources"][0],
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        # The input is JSON, and stays so whatever is put in.
        text = text.replace(f"<aws.scheduler.{name}>", json.dumps(value)[1:-1])
    return text


def apply() -> None:
    """Fill in the input of what a schedule starts, and of nothing else."""
    stock = eventbridge._invoke_target

    def invoke_target(
        target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any = None
    ) -> Any:
        if event.get("Source") == _SOURCE and target.get("Input"):
            target = {**target, "Input": _filled(target["Input"], event)}
        return stock(target, event, rule, view)

    eventbridge._invoke_target = invoke_target
