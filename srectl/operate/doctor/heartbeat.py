"""Did the last canary come through, and will the next one be sent?"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, note
from srectl.operate.refusals import calling
from srectl.operate.switches import written

__all__ = ["CHECK"]

# One that waits for its verification takes some minutes itself.
_GRACE = datetime.timedelta(minutes=10)
_MISSED = 2


def look(deployment: Deployment) -> Iterator[Finding]:
    """Look at the last canaries and at their schedule."""
    stack = deployment.stack
    if stack.parameter("Canary", "on") == "off":
        yield note("platform-canary", "is switched off (Canary=off): silence would not be noticed")
        return
    name = f"{deployment.account.prefix}platform-canary"
    with calling(f"schedule {name} could not be read"):
        schedule = deployment.account.client("scheduler").get_schedule(Name=name)
    enabled = schedule.get("State", "ENABLED") == "ENABLED"
    if not enabled:
        yield failed(
            f"schedule {name}",
            "is disabled: no canary is sent",
            f"aws scheduler get-schedule --name {name}; in the console of EventBridge Scheduler: "
            "Enable (aws scheduler update-schedule wants the whole of it)",
        )
    yield from _last(deployment, name)


def _last(deployment: Deployment, name: str) -> Iterator[Finding]:
    stack, states = deployment.stack, deployment.account.states
    machine = deployment.output("CanaryArn")
    every = datetime.timedelta(minutes=int(stack.parameter("CanaryMinutes", "5")))
    late = every * _MISSED + _GRACE
    with calling(f"the executions of {name} could not be listed"):
        found = states.list_executions(stateMachineArn=machine, maxResults=10)["executions"]
    ended = [each for each in found if each["status"] != "RUNNING"]
    now = deployment.now()
    list_them = f"aws stepfunctions list-executions --state-machine-arn {machine} --max-results 3"
    if not ended:
        due = stack.changed_at + late
        if now < due:
            yield note(name, f"none has ended yet; the first is due before {written(due)}")
        else:
            yield failed(name, "none was ever sent", f"aws scheduler get-schedule --name {name}")
        return
    last = max(ended, key=lambda each: each["stopDate"])
    at = last["stopDate"]
    if last["status"] != "SUCCEEDED":
        with calling(f"the last execution of {name} could not be read"):
            cause = states.describe_execution(executionArn=last["executionArn"]).get("cause", "")
        yield failed(
            name,
            f"the last one, at {written(at)}, {last['status']}: {cause or 'no cause is told'}",
            f"aws stepfunctions get-execution-history --execution-arn {last['executionArn']} "
            "--reverse-order --max-items 5",
        )
    elif now - at > late:
        yield failed(name, f"the last one came through at {written(at)}, and none since", list_them)
    else:
        took = (at - last["startDate"]).total_seconds()
        yield fine(name, f"the last one came through at {written(at)}, in {took:.0f} s")


CHECK = Check(
    "heartbeat",
    "the last canary, and the schedule of the next",
    (
        Grant(
            ("states:ListExecutions",),
            "arn:{partition}:states:{region}:{account}:stateMachine:{prefix}platform-canary",
        ),
        Grant(
            ("states:DescribeExecution",),
            "arn:{partition}:states:{region}:{account}:execution:{prefix}platform-canary:*",
        ),
        Grant(
            ("scheduler:GetSchedule",),
            "arn:{partition}:scheduler:{region}:{account}:schedule/default/{prefix}platform-canary",
        ),
    ),
    look,
)
