"""Where an execution stands that has not ended in time, in words for who reads the failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_LAST_EVENTS = 8
_MOST = 400


def standing(sfn: Any, execution: str) -> str:
    """Tell the state that an execution is in, and its last events; the same of its steps.

    Parameters
    ----------
    sfn
        A client of Step Functions.
    execution : str
        Its ARN.
    """
    described = sfn.describe_execution(executionArn=execution)
    told = [_told(sfn, execution, str(described["status"]))]
    for step in _steps(sfn, str(described.get("input") or "{}")):
        told.append(_told(sfn, step, "RUNNING"))
    return "\n".join(told)


def _told(sfn: Any, execution: str, status: str) -> str:
    pages = sfn.get_paginator("get_execution_history").paginate(executionArn=execution)
    events = [event for page in pages for event in page["events"]]
    entered = [each["stateEnteredEventDetails"] for each in events if _entered(each)]
    where = entered[-1]["name"] if entered else "no state"
    way = " > ".join(each["name"] for each in entered[-_LAST_EVENTS:])
    last = "".join(f"\n  {_line(each)}" for each in events[-_LAST_EVENTS:])
    return f"{execution} is {status} in {where} ({way}), {len(events)} events, the last:{last}"


def _entered(event: dict[str, Any]) -> bool:
    return "stateEnteredEventDetails" in event


def _line(event: dict[str, Any]) -> str:
    details = {
        name: value
        for each in event.values()
        if isinstance(each, dict)
        for name, value in each.items()
    }
    return (
        f"{event['timestamp']:%H:%M:%S} {event['type']} {json.dumps(details, default=str)[:_MOST]}"
    )


def _steps(sfn: Any, given: str) -> Iterator[str]:
    """Give the running executions that are named after the incident, as those of its steps are."""
    incident = json.loads(given).get("detail", {}).get("data", {}).get("incident_id")
    if not incident:
        return
    machines = sfn.get_paginator("list_state_machines").paginate()
    for machine in (each for page in machines for each in page["stateMachines"]):
        if "remediation-step" not in machine["name"]:
            continue
        arn = machine["stateMachineArn"]
        for each in sfn.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
            if each["name"].startswith(incident):
                yield str(each["executionArn"])
