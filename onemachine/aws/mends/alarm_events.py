"""Mends what an alarm's change of state tells besides its actions.

CloudWatch puts each change on the default bus as "CloudWatch Alarm State Change", with the state
before it, so that a rule can tell an alarm that is over from one that has its first data. The
emulator only calls the alarm's actions.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region, now_iso
from ministack.services import cloudwatch, eventbridge


def _metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    if alarm.get("Metrics"):
        return [{"id": query["Id"]} for query in alarm["Metrics"]]
    names = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or []}
    metric = {"namespace": alarm.get("Namespace"), "name": alarm.get("MetricName")}
    stat = {"metric": {**metric, "dimensions": names}, "period": alarm.get("Period")}
    return [{"id": "m1", "metricStat": {**stat, "stat": alarm.get("Statistic")}}]


def _tell(alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
    name = alarm["AlarmName"]
    arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"
    detail = {
        "alarmName": name,
        "state": {"value": new, "reason": reason, "timestamp": now_iso()},
        "previousState": {"value": old},
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
