"""All of AWS dies at once: what it had answered is there again, what was under way is not lost."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from onemachine.aws.durable import SIGNAL
from onemachine.aws.local_aws import LocalAws
from tests.integration.local_aws_fixtures import running_local_aws
from tests.integration.localaws.probes.support import eventually
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.localaws

_WAITS = json.dumps(
    {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
)
_ROLE = "arn:aws:iam::000000000000:role/machine"


@contextmanager
def _again(aws: LocalAws) -> Iterator[None]:
    process = subprocess.Popen(
        aws.command(), env=aws.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        aws.wait_ready(60, alive=lambda: process.poll() is None)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def test_what_was_answered_outlives_a_death_and_what_was_under_way_goes_on(tmp_path: Path) -> None:
    with running_local_aws(tmp_path / "aws") as (aws, process):
        states = aws.client("stepfunctions")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "states.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        aws.client("iam").create_role(
            RoleName="machine", AssumeRolePolicyDocument=json.dumps(trust)
        )
        machines = {
            kind: states.create_state_machine(
                name=kind.lower(), definition=_WAITS, roleArn=_ROLE, type=kind
            )["stateMachineArn"]
            for kind in ("STANDARD", "EXPRESS")
        }
        running = {
            kind: states.start_execution(stateMachineArn=arn, input='{"a": 1}')["executionArn"]
            for kind, arn in machines.items()
        }
        queue = _heard_by_a_queue(aws)
        aws.client("ssm").put_parameter(Name="/kept", Value="yes", Type="String")
        process.send_signal(SIGNAL)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    with _again(aws):
        states = aws.client("stepfunctions")
        assert aws.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "yes"
        told = _told(aws, queue)
        assert told["executionArn"] == running["STANDARD"]
        assert (told["status"], told["input"]) == ("FAILED", '{"a": 1}')

        def both() -> list[Any]:
            listed = states.list_executions(stateMachineArn=machines["EXPRESS"])["executions"]
            return listed if len(listed) == 2 else []

        assert {one["status"] for one in eventually(both, "it to run again")} == {
            "FAILED",
            "RUNNING",
        }


def _heard_by_a_queue(aws: LocalAws) -> str:
    queue: str = aws.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    events = aws.client("events")
    events.put_rule(Name="ends", EventPattern=json.dumps({"source": ["aws.states"]}))
    arn = "arn:aws:sqs:us-east-1:000000000000:told"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    aws.client("sqs").set_queue_attributes(
        QueueUrl=queue, Attributes={"Policy": json.dumps(policy)}
    )
    events.put_targets(Rule="ends", Targets=[{"Id": "told", "Arn": arn}])
    return queue


def _told(aws: LocalAws, queue: str) -> dict[str, Any]:
    sqs = aws.client("sqs")

    def ends() -> list[dict[str, Any]]:
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        details = [json.loads(each["Body"])["detail"] for each in got.get("Messages", [])]
        return [each for each in details if each["status"] == "FAILED"]

    (found,) = eventually(ends, "the end to be told")
    return found
