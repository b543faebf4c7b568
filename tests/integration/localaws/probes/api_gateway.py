"""API Gateway: what SAM writes into an API's OpenAPI body holds."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import deploy, make_function, metric_sum

_MODEL = {
    "type": "object",
    "required": ["alerts"],
    "properties": {"alerts": {"type": "array", "minItems": 1}},
}


def _post(aws: LocalAws, api: str, body: bytes, key: str = "") -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{aws.endpoint_url}/_aws/execute-api/{api}/live/webhook",
        body,
        {"Content-Type": "application/json", "X-Api-Key": key},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _api(
    aws: LocalAws, name: str, code: str, title: str = "one", allowed: str | None = None
) -> dict[str, Any]:
    """Return the resources that SAM makes of a Serverless::Api with a model."""
    arn = f"arn:aws:lambda:{aws.region}:{aws.account_id}:function:{name}"
    functions = aws.client("lambda")
    try:
        functions.get_function(FunctionName=name)
    except functions.exceptions.ResourceNotFoundException:
        make_function(aws, name, code)
    body = {
        "swagger": "2.0",
        "info": {"title": title, "version": "1.0"},
        "definitions": {"AlertWebhook": _MODEL},
        "x-amazon-apigateway-request-validators": {
            "body-only": {"validateRequestBody": True, "validateRequestParameters": False}
        },
        "x-amazon-apigateway-gateway-responses": {
            "BAD_REQUEST_BODY": {
                "statusCode": 422,
                "responseTemplates": {
                    "application/json": '{"message":$context.error.messageString,"why":"model"}'
                },
            },
            "INTEGRATION_FAILURE": {
                "statusCode": "503",
                "responseTemplates": {"application/json": '{"message":"again"}'},
            },
        },
        "paths": {
            "/webhook": {
                "post": {
                    "x-amazon-apigateway-request-validator": "body-only",
                    "parameters": [
                        {
                            "in": "body",
                            "name": "AlertWebhook",
                            "required": True,
                            "schema": {"$ref": "#/definitions/AlertWebhook"},
                        }
                    ],
                    "x-amazon-apigateway-integration": {
                        "httpMethod": "POST",
                        "type": "aws_proxy",
                        "uri": f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31"
                        f"/functions/{arn}/invocations",
                    },
                    "responses": {},
                }
            }
        },
    }
    if allowed:
        everybody = {"Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        elsewhere = {"NotIpAddress": {"aws:SourceIp": [allowed]}}
        body["x-amazon-apigateway-policy"] = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", **everybody},
                {"Effect": "Deny", **everybody, "Condition": elsewhere},
            ],
        }
    return {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": name, "Body": body}},
        f"Deployment{title}": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": "Api"}},
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "DeploymentId": {"Ref": f"Deployment{title}"},
                "StageName": "live",
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": name,
                "Principal": "apigateway.amazonaws.com",
            },
        },
    }


_ECHO = """
import json
def handler(event, context):
    return {"statusCode": 202, "body": json.dumps({"got": json.loads(event["body"])})}
"""


@shows("rest_api_openapi")
def models_and_gateway_responses_of_the_body(aws: LocalAws, name: str) -> None:
    """A request that the model refuses never reaches the function; the answer is the template's."""
    api = deploy(aws, name, _api(aws, name, _ECHO))["Api"]

    assert _post(aws, api, b'{"alerts":[1]}') == (202, {"got": {"alerts": [1]}})
    deep = b'{"alerts":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    bodies = (b'{"alerts":[]}', b"{}", b"not json", deep)
    refused = {body: _post(aws, api, body) for body in bodies}
    assert {status for status, _answer in refused.values()} == {422}
    assert all("why" in answer for _status, answer in refused.values())


@shows("rest_api_policy")
def the_policy_of_the_body_is_asked(aws: LocalAws, name: str) -> None:
    """Who is not in the address range gets a 403, also after an update."""
    api = deploy(aws, name, _api(aws, name, _ECHO, allowed="127.0.0.0/8"))["Api"]
    assert _post(aws, api, b'{"alerts":[1]}')[0] == 202

    deploy(aws, name, _api(aws, name, _ECHO, title="two", allowed="203.0.113.0/24"))
    status, answer = _post(aws, api, b'{"alerts":[1]}')
    assert (status, "explicit deny" in str(answer)) == (403, True)


@shows("sam_parameters")
def sam_resolves_the_parameters_that_were_given(aws: LocalAws, name: str) -> None:
    """What SAM writes into an API is made of the stack's values, not of the template's defaults."""
    statement = {
        **{"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke"},
        "Resource": "execute-api:/*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": {"Ref": "Allowed"}}},
    }
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Allowed": {"Type": "String", "Default": "203.0.113.0/24"}},
        "Resources": {
            "Api": {
                "Type": "AWS::Serverless::Api",
                "Properties": {
                    "StageName": "live",
                    "DefinitionBody": {"swagger": "2.0", "info": {"title": name}, "paths": {}},
                    "Auth": {"ResourcePolicy": {"CustomStatements": [statement]}},
                },
            }
        },
    }
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": "Allowed", "ParameterValue": "127.0.0.0/8"}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    (api,) = cloudformation.describe_stack_resources(StackName=name, LogicalResourceId="Api")[
        "StackResources"
    ]
    described = aws.client("apigateway").get_rest_api(restApiId=api["PhysicalResourceId"])
    assert "127.0.0.0/8" in described.get("policy", "")


@shows("rest_api_stable_id")
def an_update_keeps_the_apis_address(aws: LocalAws, name: str) -> None:
    """A changed body is put into the same API: its URL, stage and keys stay."""
    before = deploy(aws, name, _api(aws, name, _ECHO))["Api"]
    after = deploy(aws, name, _api(aws, name, _ECHO, title="two"))["Api"]

    assert after == before
    assert aws.client("apigateway").get_rest_api(restApiId=before)["name"] == name
    assert _post(aws, before, b'{"alerts":[1]}')[0] == 202
    assert _post(aws, before, b"{}")[0] in (202, 422, 502)


@shows("rest_api_integration_failure")
def a_failing_function_answers_with_the_gateways_response(aws: LocalAws, name: str) -> None:
    """A function error is a 502 without the function's own message."""
    code = "def handler(event, context):\n    raise KeyError('secret detail')\n"
    api = deploy(aws, name, _api(aws, name, code))["Api"]

    status, answer = _post(aws, api, b'{"alerts":[1]}')

    assert (status, answer) == (502, {"message": "Internal server error"})


@shows("rest_api_throttled_function")
def a_function_at_its_limit_is_a_failed_integration(aws: LocalAws, name: str) -> None:
    """The caller gets the API's own 5xx answer, after which Alertmanager sends again; never 429."""
    api = deploy(aws, name, _api(aws, name, _ECHO))["Api"]
    functions = aws.client("lambda")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert _post(aws, api, b'{"alerts":[1]}') == (503, {"message": "again"})

    functions.delete_function_concurrency(FunctionName=name)
    assert _post(aws, api, b'{"alerts":[1]}')[0] == 202


@shows("rest_api_metrics")
def calls_are_counted_by_how_they_were_answered(aws: LocalAws, name: str) -> None:
    """``AWS/ApiGateway`` has calls, 4xx and 5xx by API and stage, gateway responses included."""
    code = (
        "def handler(event, context):\n"
        "    assert 'go' in event['body']\n"
        "    return {'statusCode': 202, 'body': '{}'}\n"
    )
    api = deploy(aws, name, _api(aws, name, code))["Api"]
    for body in (b'{"alerts":["go"]}', b'{"alerts":[]}', b'{"alerts":["fail"]}'):
        _post(aws, api, body)

    counted = [
        metric_sum(aws, "AWS/ApiGateway", metric, ApiName=name, Stage="live")
        for metric in ("Count", "4XXError", "5XXError")
    ]
    assert counted == [3, 1, 1]
    # Nobody has asked for each route's numbers: that costs.
    route = {"ApiName": name, "Stage": "live", "Resource": "/webhook", "Method": "POST"}
    assert metric_sum(aws, "AWS/ApiGateway", "Count", **route) is None
    aws.client("apigateway").update_stage(
        restApiId=api,
        stageName="live",
        patchOperations=[{"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"}],
    )
    for body in (b'{"alerts":["go"]}', b'{"alerts":[]}'):
        _post(aws, api, body)
    counted = [
        metric_sum(aws, "AWS/ApiGateway", metric, **route)
        for metric in ("Count", "4XXError", "5XXError")
    ]
    assert counted == [2, 1, 0]


@shows("rest_api_key_id")
def the_function_is_told_which_key_the_request_came_with(aws: LocalAws, name: str) -> None:
    """The event has the id of a key of the stage's plans, and of no other."""
    code = (
        "import json\n"
        "def handler(event, context):\n"
        "    key = event['requestContext']['identity'].get('apiKeyId')\n"
        "    return {'statusCode': 202, 'body': json.dumps(key)}\n"
    )
    api = deploy(aws, name, _api(aws, name, code))["Api"]
    gateway = aws.client("apigateway")
    key = gateway.create_api_key(name=name, enabled=True)
    stages = [{"apiId": api, "stage": "live"}]
    plan = gateway.create_usage_plan(name=name, apiStages=stages)["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")

    assert _post(aws, api, b'{"alerts":[1]}', key["value"]) == (202, key["id"])
    assert _post(aws, api, b'{"alerts":[1]}', "another") == (202, None)


@shows("rest_api_access_log")
def every_call_leaves_a_line_in_the_access_log(aws: LocalAws, name: str) -> None:
    """A stage of a template writes into its log group, what the gateway refuses too."""
    group = f"/aws/apigateway/{name}"
    template = _api(aws, name, _ECHO)
    template["Logs"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group}}
    template["Stage"]["Properties"]["AccessLogSetting"] = {
        "DestinationArn": {"Fn::GetAtt": ["Logs", "Arn"]},
        "Format": '{"status":"$context.status","refusal":"$context.error.responseType"}',
    }
    api = deploy(aws, name, template)["Api"]
    for body in (b'{"alerts":[1]}', b"{}"):
        _post(aws, api, body)

    events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    assert sorted(event["message"] for event in events) == [
        '{"status":"202","refusal":"-"}',
        '{"status":"422","refusal":"BAD_REQUEST_BODY"}',
    ]
