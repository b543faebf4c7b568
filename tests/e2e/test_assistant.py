"""The rights that docs/assistants.md names let an assistant read a deployment, and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from onemachine.stack.clients import aws_of
from onemachine.stack.state import StackFolder
from tests.support.assistants import talk
from tests.support.stacks import state_of
from tests.support.template import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

INCIDENT = "abcd0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"


@pytest.fixture
def assistant(stack: StackFolder, exports: dict[str, str]) -> Iterator[dict[str, str]]:
    """The exports of a user who has the policy of the guide."""
    guide = (ROOT / "docs" / "assistants.md").read_text("utf-8")
    (policy,) = re.findall(r"```json\n(\{\s+\"Version\".+?)```", guide, re.DOTALL)
    iam = aws_of(state_of(stack)).client("iam")
    iam.create_user(UserName="assistant")
    iam.put_user_policy(UserName="assistant", PolicyName="reads", PolicyDocument=policy)
    key = iam.create_access_key(UserName="assistant")["AccessKey"]
    yield {
        **exports,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    iam.delete_access_key(UserName="assistant", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="assistant", PolicyName="reads")
    iam.delete_user(UserName="assistant")


@pytest.fixture
def escalated(stack: StackFolder) -> Iterator[None]:
    """An incident with evidence that waits for a human."""
    aws = aws_of(state_of(stack))
    key = {"incident_id": INCIDENT, "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z"}
    bucket, name = "sre-evidence-000000000000-us-east-1", f"incidents/{INCIDENT}.json"
    record = {
        **key,
        "status": "escalated",
        "alert_name": "CheckoutHighErrorRate",
        "severity": "critical",
        "target": {"namespace": "apps", "kind": "deployment", "name": "checkout"},
        "evidence": {"status": "collected", "key": name},
    }
    items = aws.client("dynamodb")
    items.put_item(TableName="sre-incidents", Item=TypeSerializer().serialize(record)["M"])
    aws.client("s3").put_object(Bucket=bucket, Key=name, Body=json.dumps({"facts": {}}))
    yield
    aws.client("s3").delete_object(Bucket=bucket, Key=name)
    items.delete_item(
        TableName="sre-incidents", Key={each: {"S": text} for each, text in key.items()}
    )


@pytest.mark.usefixtures("escalated")
def test_with_these_rights_all_is_read_and_nothing_written(
    assistant: dict[str, str], tmp_path: Path
) -> None:
    one = {"incident": INCIDENT}
    tools = {
        **{"incidents": {}, "runbooks": {}, "handover": {}},
        **{"incident": one, "evidence": one, "plans": one},
    }
    asked = {name: (name, arguments) for name, arguments in tools.items()}
    told = talk(assistant, tmp_path / "errors", asked)
    assert {each.name for each in told.tools} == set(tools)
    for name, answer in told.answers.items():
        assert not answer.is_error, f"{name}: {answer.content[0].text}"
    page = told.answers["handover"].structured_content["data"]
    assert page["not_read"] == []
    assert INCIDENT in [each["incident_id"] for each in page["needs_somebody"]]
    session = boto3.session.Session(
        assistant["AWS_ACCESS_KEY_ID"], assistant["AWS_SECRET_ACCESS_KEY"], None, "us-east-1"
    )
    ssm = session.client("ssm", endpoint_url=assistant["AWS_ENDPOINT_URL"])
    with pytest.raises(ClientError, match="AccessDenied"):
        ssm.put_parameter(
            Name="/sre-platform/remediation-mode", Value="off", Type="String", Overwrite=True
        )
