"""Mends what an alarm's change of state tells besides its actions.

CloudWatch puts each change on the default bus as "CloudWatch Alarm State Change", with the state
before it and since when that was, so that a rule can tell an alarm that is over from one that has
its first data. The emulator only calls the alarm's actions.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, eventbridge

#: What was told last of each alarm, by its ARN.
_before: dict[str, dict[str, Any]] = {}


def _metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    if alarm.get("Metrics"):
        return [{"id": query["Id"]} for query in alarm["Metrics"]]
    names = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or []}
    metric = {"namespace": alarm.get("Namespace"), "name": alarm.get("MetricName")}
    stat = {"metric": {**metric, "dimensions": names}, "period": alarm.get("Period")}
    return [{"id": "m1", "metricStat": {**stat, "stat": alarm.get("Statistic")}}]


def _state(value: str, reason: str, timestamp: str) -> dict[str, Any]:
    return {"value": value, "reason": reason, "timestamp": timestamp}


def _tell(alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
    name = alarm["AlarmName"]
    arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"
    now = f"{datetime.now(UTC).isoformat(timespec='milliseconds')[:-6]}+0000"
    before = _before.get(arn) or _state(old, "Unchecked: Initial alarm creation", now)
    _before[arn] = _state(new, reason, now)
    detail = {
        "alarmName": name,
        "state": _before[arn],
        "previousState": {**before, "value": old},
        "configuration": {
            "description": alarm.get("AlarmDescription", ""),
            "metrics": _metrics(alarm),
        },
    }
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [arn],
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def apply() -> None:
    """Tell of each change before its actions are called."""
    stock = cloudwatch._dispatch_alarm_actions

    def dispatch(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> Any:
        _tell(alarm, old_state, new_state, reason)
        return stock(alarm, old_state, new_state, reason)

    cloudwatch._dispatch_alarm_actions = dispatch
