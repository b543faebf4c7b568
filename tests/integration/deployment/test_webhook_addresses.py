"""Who may call the webhook: from an address that is left out, the key is not enough."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.support.template import deployed

pytestmark = pytest.mark.localaws

ECHO = "def handler(event, context):\n    return {'statusCode': 202, 'body': '{}'}\n"


@pytest.fixture(scope="module")
def webhook() -> str:
    """Return a template of the shipped API alone, before a function that takes everything."""
    whole = deployed()
    resources = whole["Resources"]
    function = {
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "InlineCode": ECHO,
        "Events": resources["AlertIngestFunction"]["Properties"]["Events"],
    }
    return json.dumps(
        {
            "Transform": whole["Transform"],
            "Parameters": {
                name: whole["Parameters"][name] for name in ("NamePrefix", "WebhookAllowedCidrs")
            },
            "Resources": {
                "WebhookApi": resources["WebhookApi"],
                "AlertIngestFunction": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": function,
                },
            },
            "Outputs": {
                "Api": {"Value": {"Ref": "WebhookApi"}},
                "Key": {"Value": {"Ref": "WebhookApiApiKey"}},
            },
        }
    )


def _deploy(aws: LocalAws, name: str, template: str, allowed: str | None) -> dict[str, str]:
    cloudformation = aws.client("cloudformation")
    parameters = {"NamePrefix": f"{name}-"[-20:].lstrip("-0123456789")}
    if allowed:
        parameters["WebhookAllowedCidrs"] = allowed
    change = "UPDATE" if allowed else "CREATE"
    change_set = f"change-{uuid.uuid4().hex[:8]}"
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=change_set,
        ChangeSetType=change,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        StackName=name, ChangeSetName=change_set, WaiterConfig={"Delay": 1}
    )
    cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
    cloudformation.get_waiter(f"stack_{change.lower()}_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def _post(aws: LocalAws, stack: dict[str, str]) -> tuple[int, Any]:
    key = aws.client("apigateway").get_api_key(apiKey=stack["Key"], includeValue=True)["value"]
    request = urllib.request.Request(
        f"{aws.endpoint_url}/_aws/execute-api/{stack['Api']}/live/webhook",
        b'{"alerts":[]}',
        {"Content-Type": "application/json", "X-Api-Key": key},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_an_address_that_is_left_out_is_refused_in_spite_of_its_key(
    local_aws: LocalAws, unique: str, webhook: str
) -> None:
    stack = _deploy(local_aws, unique, webhook, None)
    assert _post(local_aws, stack) == (202, {})

    assert _deploy(local_aws, unique, webhook, "203.0.113.0/24,2001:db8::/32") == stack
    status, answer = _post(local_aws, stack)
    assert (status, "explicit deny" in str(answer)) == (403, True)

    _deploy(local_aws, unique, webhook, "203.0.113.0/24,127.0.0.0/8")
    assert _post(local_aws, stack) == (202, {})
