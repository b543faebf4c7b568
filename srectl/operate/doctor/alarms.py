"""Would the platform's own alarms be heard: each there, armed, told to the topic; does one ring?"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, note, warning
from srectl.operate.refusals import calling
from srectl.operate.switches import written

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

__all__ = ["CHECK"]

_KIND = "AWS::CloudWatch::Alarm"
#: How the names of the alarms of eks/outside.yaml begin.
_OUTSIDE = "Checkout"
_LONG = datetime.timedelta(hours=1)
_NEXT = "Next - "
_CANARY = "CanaryAbsentAlarm"


def look(deployment: Deployment) -> Iterator[Finding]:
    """Compare the alarms there are with those that the stack made."""
    wanted = {each.physical_id: each.logical_id for each in deployment.of_kind(_KIND)}
    with calling("the alarms could not be listed"):
        pages = deployment.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{deployment.account.prefix}sre-", AlarmTypes=["MetricAlarm"]
        )
        there = {each["AlarmName"]: each for page in pages for each in page["MetricAlarms"]}
    bad = 0
    for name, logical_id in sorted(wanted.items()):
        alarm = there.get(name)
        found = (
            list(_of(deployment, alarm, logical_id))
            if alarm is not None
            else [_gone(deployment, name, logical_id)]
        )
        bad += bool(found)
        yield from found
    if deployment.stack.parameter("CloudWatchAlarms") == "off":
        yield from _unheard(deployment)
    if not wanted:
        yield failed(deployment.stack.name, "has no alarm at all", deployment.deploy_again)
    elif not bad:
        yield fine(deployment.stack.name, f"{len(wanted)} alarms, all armed, none rings")


def _unheard(deployment: Deployment) -> Iterator[Finding]:
    """Tell of the view from outside (eks/outside.yaml) that it speaks to nobody."""
    with calling("the alarms of eks/outside.yaml could not be listed"):
        pages = deployment.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=_OUTSIDE, AlarmTypes=["MetricAlarm"]
        )
        silent = [
            each["AlarmName"]
            for page in pages
            for each in page["MetricAlarms"]
            if not each.get("AlarmActions")
        ]
    if silent:
        yield warning(
            ", ".join(sorted(silent)),
            "have no action of their own, and this stack hears no alarm of CloudWatch "
            "(CloudWatchAlarms=off): they ring, and nobody hears it",
            "deploy with CloudWatchAlarms=on, unless another stack in this region has it on",
        )


def _gone(deployment: Deployment, name: str, logical_id: str) -> Finding:
    return failed(
        name,
        "is not there any more: nobody hears what it is for",
        deployment.bring_back(logical_id),
    )


def _of(deployment: Deployment, alarm: MetricAlarmTypeDef, logical_id: str) -> Iterator[Finding]:
    name = alarm["AlarmName"]
    topic = deployment.output("NotificationTopicArn")
    if not alarm.get("ActionsEnabled", True):
        yield failed(
            name,
            "its actions are disabled: it rings, and nobody hears it",
            f"aws cloudwatch enable-alarm-actions --alarm-names {name}",
        )
    if topic not in alarm.get("AlarmActions", []):
        yield failed(
            name,
            f"does not tell the topic {topic.rpartition(':')[2]}: it rings, and nobody hears it",
            f"aws cloudwatch describe-alarms --alarm-names {name} shows what it does; "
            f"{deployment.bring_back(logical_id)}",
        )
    yield from _state(deployment, alarm, logical_id)


def _state(deployment: Deployment, alarm: MetricAlarmTypeDef, logical_id: str) -> Iterator[Finding]:
    name, state, since = alarm["AlarmName"], alarm["StateValue"], alarm["StateUpdatedTimestamp"]
    text = " ".join(alarm.get("AlarmDescription", "").split())
    meaning, _, then = text.partition(_NEXT)
    if not then.startswith("srectl "):
        history = (
            f"aws cloudwatch describe-alarm-history --alarm-name {name} --history-item-type "
            "StateUpdate --max-records 3"
        )
        then = f"{then}; {history}" if then else history
    if state == "ALARM":
        said = f"rings since {written(since)}: {meaning.strip() or alarm.get('StateReason', '')}"
        first = deployment.stack.changed_at + _first_canary(deployment)
        if logical_id == _CANARY and deployment.now() < first:
            yield note(
                name,
                f"{said} The deployment is young, and the first canary may not be through yet",
                f"'srectl doctor --only alarms --only heartbeat' after {written(first)}",
            )
        else:
            yield failed(name, said, then)
    elif state == "INSUFFICIENT_DATA" and deployment.now() - since > _LONG:
        yield warning(
            name,
            f"has had no data since {written(since)}: it cannot ring",
            f"aws cloudwatch describe-alarms --alarm-names {name} names its metric; is what puts "
            "it (function, queue, canary) at work?",
        )


def _first_canary(deployment: Deployment) -> datetime.timedelta:
    """How long after a deployment the canary's alarm may ring for want of a first one."""
    rare = deployment.stack.parameter("CanaryMinutes") == "15"
    return datetime.timedelta(minutes=40 if rare else 20)


CHECK = Check(
    "alarms",
    "the platform's alarms: there, armed, told to the topic, and whether one rings",
    (Grant(("cloudwatch:DescribeAlarms",)),),
    look,
)
