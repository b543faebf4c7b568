"""The platform's heartbeat on a running stack: how its last one went."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["last_canary"]


def last_canary(steps: Any, machine_arn: str) -> str:
    """Say in one line how the last canary went.

    Parameters
    ----------
    steps
        Client of Step Functions.
    machine_arn : str
        The state machine ``platform-canary``.

    Returns
    -------
    str
        For example ``closed at 15:04:05, 9 s after it was sent``; where AWS does not answer, that.
    """
    try:
        found = steps.list_executions(stateMachineArn=machine_arn, maxResults=10)["executions"]
        ended = [each for each in found if each["status"] != "RUNNING"]
        if not ended:
            return "none yet; the first is sent five minutes after the deployment"
        last = max(ended, key=lambda each: each["stopDate"])
        when = f"{last['stopDate'].astimezone():%H:%M:%S}"
        if last["status"] == "SUCCEEDED":
            seconds = (last["stopDate"] - last["startDate"]).total_seconds()
            return f"closed at {when}, {seconds:.0f} s after it was sent"
        described = steps.describe_execution(executionArn=last["executionArn"])
    except (ClientError, BotoCoreError) as error:
        return f"not known: {error}"
    return f"FAILED at {when}: {described.get('cause') or last['status']}"
