"""Nothing accepted is lost: a failed call of a function that nobody waited for is kept."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from srectl.operate import queues
from tests.integration.localaws.probes.support import eventually
from tests.support.template import deployed

pytestmark = pytest.mark.localaws

BROKEN = "def handler(event, context):\n    raise ValueError('no such step')\n"


def shipped_config(name: str) -> str:
    """Return a template of runbook-action's settings around a function that fails."""
    whole = deployed()
    shipped = whole["Resources"]["RunbookActionFunction"]["Properties"]
    queue = whole["Resources"]["FunctionDeadLetters"]
    del queue["Properties"]["KmsMasterKeyId"]
    function = {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "InlineCode": BROKEN,
        "EventInvokeConfig": shipped["EventInvokeConfig"],
    }
    return json.dumps(
        {
            "Transform": whole["Transform"],
            "Parameters": {"NamePrefix": whole["Parameters"]["NamePrefix"]},
            "Resources": {
                "FunctionDeadLetters": queue,
                "Function": {"Type": "AWS::Serverless::Function", "Properties": function},
            },
        }
    )


def test_a_failed_call_is_kept_with_its_payload_and_its_error(local_aws: LocalAws) -> None:
    prefix = f"u{uuid.uuid4().hex[:8]}-"
    name = f"{prefix}runbook-action"
    cloudformation = local_aws.client("cloudformation")
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName="create",
        ChangeSetType="CREATE",
        TemplateBody=shipped_config(name),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": "NamePrefix", "ParameterValue": prefix}],
    )
    cloudformation.execute_change_set(StackName=name, ChangeSetName="create")

    def created() -> bool:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        status: str = stack["StackStatus"]
        assert "FAILED" not in status
        assert "ROLLBACK" not in status
        return status == "CREATE_COMPLETE"

    eventually(created, "the stack is created")
    step = {"operation": "execute", "incident_id": "i-1"}
    local_aws.client("lambda").invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(step)
    )

    def kept() -> list[dict[str, Any]]:
        messages = queues.peek(local_aws.client("sqs"), "functions", prefix, 10)
        return [{**queues.describe(one), "body": one.decoded()} for one in messages]

    [found] = eventually(kept, "the failed call is kept")
    assert found["kind"] == f"call of {name}"
    assert found["body"]["requestPayload"] == step
    assert "no such step" in found["error_message"]
    cloudformation.delete_stack(StackName=name)
