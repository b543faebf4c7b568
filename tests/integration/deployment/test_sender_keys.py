"""Keys of senders, made by a parameter: each its own plan, and the function knows whose it is."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.support.template import deployed

pytestmark = pytest.mark.localaws

PLACES = "1234"
ECHO = """
import json, os
def handler(event, context):
    ids = os.environ["SENDER_KEY_IDS"].split(",")
    place = ids.index(event["requestContext"]["identity"]["apiKeyId"])
    return {"statusCode": 202, "body": json.dumps(os.environ["SENDERS"].split(",")[place])}
"""


def _template() -> str:
    """Return the shipped API with its keys, before a function that says who spoke."""
    whole = deployed()
    ingest = whole["Resources"]["AlertIngestFunction"]["Properties"]
    variables = ingest["Environment"]["Variables"]
    kept = [f"Sender{what}{place}" for what in ("Key", "Plan", "Usage") for place in PLACES]
    function = {
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "InlineCode": ECHO,
        "Events": ingest["Events"],
        "Environment": {
            "Variables": {name: variables[name] for name in ("SENDERS", "SENDER_KEY_IDS")}
        },
    }
    parameters = ("NamePrefix", "WebhookAllowedCidrs", "SenderRequestsPerSecond")
    places = [f"Sender{place}" for place in PLACES]
    return json.dumps(
        {
            "Transform": whole["Transform"],
            "Parameters": {name: whole["Parameters"][name] for name in (*parameters, *places)},
            "Conditions": {
                f"HasSender{place}": whole["Conditions"][f"HasSender{place}"] for place in PLACES
            },
            "Resources": {
                "WebhookApi": whole["Resources"]["WebhookApi"],
                "AlertIngestFunction": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": function,
                },
                **{name: whole["Resources"][name] for name in kept},
            },
            "Outputs": {"Api": {"Value": {"Ref": "WebhookApi"}}},
        }
    )


def _post(aws: LocalAws, api: str, key: str) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{aws.endpoint_url}/_aws/execute-api/{api}/live/webhook",
        b'{"alerts":[]}',
        {"Content-Type": "application/json", "X-Api-Key": key},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_each_place_is_a_key_of_its_own_and_what_its_plan_refuses_is_a_503(
    local_aws: LocalAws, unique: str
) -> None:
    prefix = f"{unique}-"[-20:].lstrip("-0123456789")
    given = {"NamePrefix": prefix, "SenderRequestsPerSecond": "1"}
    given |= {"Sender1": "prod=any", "Sender3": "prod=any"}
    cloudformation = local_aws.client("cloudformation")
    cloudformation.create_change_set(
        StackName=unique,
        ChangeSetName="create",
        ChangeSetType="CREATE",
        TemplateBody=_template(),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": name, "ParameterValue": text} for name, text in given.items()],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        StackName=unique, ChangeSetName="create", WaiterConfig={"Delay": 1}
    )
    cloudformation.execute_change_set(StackName=unique, ChangeSetName="create")
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=unique, WaiterConfig={"Delay": 1}
    )
    (stack,) = cloudformation.describe_stacks(StackName=unique)["Stacks"]
    api = stack["Outputs"][0]["OutputValue"]
    keys = {
        each["name"].removeprefix(f"{prefix}sre-sender-"): each["value"]
        for each in local_aws.client("apigateway").get_api_keys(includeValues=True)["items"]
        if each["name"].startswith(f"{prefix}sre-sender-")
    }
    assert sorted(keys) == ["1", "3"]
    for place in keys.values():
        assert _post(local_aws, api, place) == (202, "prod=any")
    answers = [_post(local_aws, api, keys["1"]) for _ in range(5)]
    assert {status for status, _ in answers} <= {202, 503}
    assert any("send the same again" in str(answer) for _, answer in answers)
