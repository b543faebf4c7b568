"""srectl status says how the last heartbeat went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import EndpointConnectionError

from onemachine.stack.canary import last_canary

START = datetime(2026, 11, 23, 15, 4, 5, tzinfo=UTC)


class Steps:
    """Step Functions with some executions."""

    def __init__(self, *executions: dict[str, Any]) -> None:
        self.executions = list(executions)

    def list_executions(self, **_arguments: Any) -> dict[str, Any]:
        return {"executions": self.executions}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        return {"cause": f"cause of {executionArn}"}


def execution(status: str, minutes: float, seconds: float = 9) -> dict[str, Any]:
    began = START + timedelta(minutes=minutes)
    ended = {} if status == "RUNNING" else {"stopDate": began + timedelta(seconds=seconds)}
    return {"executionArn": f"run-{minutes}", "status": status, "startDate": began, **ended}


def test_the_newest_that_has_ended_counts() -> None:
    steps = Steps(
        execution("RUNNING", 10), execution("FAILED", 0), execution("SUCCEEDED", 5, seconds=71)
    )
    when = f"{(START + timedelta(minutes=5, seconds=71)).astimezone():%H:%M:%S}"
    assert last_canary(steps, "arn") == f"closed at {when}, 71 s after it was sent"


def test_a_failed_one_says_why() -> None:
    told = last_canary(Steps(execution("SUCCEEDED", 0), execution("FAILED", 5)), "arn")
    assert told.startswith("FAILED at ")
    assert told.endswith(": cause of run-5")


def test_before_the_first_one_there_is_none() -> None:
    assert last_canary(Steps(execution("RUNNING", 0)), "arn").startswith("none yet")


def test_an_aws_that_does_not_answer_is_said() -> None:
    class Silent(Steps):
        def list_executions(self, **_arguments: Any) -> dict[str, Any]:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    assert last_canary(Silent(), "arn").startswith("not known: Could not connect")
