"""What a role was refused is kept, whoever asked for it; what it was allowed is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.support import (
    invoke,
    make_function,
    make_machine,
    make_queue,
    run_machine,
)

pytestmark = pytest.mark.localaws

LISTS = """
import boto3
def handler(event, context):
    boto3.client("sqs").list_queues()
    try:
        boto3.client("sns").list_topics()
    except Exception as error:
        return str(error)
"""


def refused(aws: LocalAws, role: str) -> list[tuple[str, str]]:
    """Give action and resource of what a role was refused."""
    lines = aws.denials_file.read_text("utf-8").splitlines() if aws.denials_file.exists() else []
    asked: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [
        (each["action"], each["resource_arn"])
        for each in asked
        if f":assumed-role/{role}/" in each["principal_arn"]
    ]


def test_a_call_that_a_function_may_not_make(local_aws: LocalAws, unique: str) -> None:
    allowed = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
    make_function(local_aws, unique, LISTS, [allowed])

    _error, said = invoke(local_aws, unique)

    assert "not authorized" in said
    (denial,) = refused(local_aws, f"{unique}-lambda")
    assert denial[0] == "sns:ListTopics"


def test_a_task_that_a_state_machine_may_not_do(local_aws: LocalAws, unique: str) -> None:
    url, queue = make_queue(local_aws, unique)
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": url, "MessageBody": "x"},
        "End": True,
    }
    may = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    may_not = {**may, "Action": "sqs:ReceiveMessage"}
    sends = make_machine(local_aws, f"{unique}-may", {"Send": send}, [may])
    fails = make_machine(local_aws, f"{unique}-not", {"Send": send}, [may_not])

    assert run_machine(local_aws, sends)["status"] == "SUCCEEDED"
    assert run_machine(local_aws, fails)["status"] == "FAILED"

    assert refused(local_aws, f"{unique}-may-states") == []
    assert refused(local_aws, f"{unique}-not-states") == [("sqs:SendMessage", queue)]


def test_it_is_for_the_owner_alone(local_aws: LocalAws, unique: str) -> None:
    make_function(local_aws, unique, LISTS, [{"Effect": "Deny", "Action": "*", "Resource": "*"}])
    invoke(local_aws, unique)

    assert local_aws.denials_file.stat().st_mode & 0o077 == 0
