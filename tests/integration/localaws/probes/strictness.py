"""Where AWS refuses what the emulator takes: quotas, sizes, and names that are taken."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
    deploy,
    eventually,
    make_function,
    make_machine,
    run_machine,
)

_FUNCTION = "def handler(event, context):\n    return 'x' * event['length']\n"


def _ended(aws: LocalAws, stack: str, resources: dict[str, Any], **extra: Any) -> tuple[str, str]:
    """Create a stack; return how that ended and what was said of it."""
    cloudformation = aws.client("cloudformation")
    body = json.dumps({"Resources": resources, **extra})
    try:
        cloudformation.create_stack(StackName=stack, TemplateBody=body)
    except ClientError as error:
        return "REFUSED", str(error)

    def settled() -> str | None:
        status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    status = eventually(settled, f"stack {stack} settles")
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return status, "\n".join(each.get("ResourceStatusReason", "") for each in events)


@shows("account_concurrency")
def what_a_function_reserves_leaves_enough_for_the_others(aws: LocalAws, name: str) -> None:
    """Of a quota of 1000 no more than 900 can be reserved, by the API or in a template."""
    make_function(aws, name, _FUNCTION)
    functions = aws.client("lambda")
    limits = functions.get_account_settings()["AccountLimit"]
    assert limits["ConcurrentExecutions"] == 1000
    try:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=901)
    except ClientError as error:
        assert "below its minimum value of [100]" in str(error)  # noqa: PT017 - looked at below
    else:
        raise AssertionError("all of the quota was reserved")
    function = {
        "FunctionName": f"{name}-cfn",
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Code": {"ZipFile": _FUNCTION},
        "ReservedConcurrentExecutions": 901,
    }
    ended, said = _ended(
        aws, name, {"F": {"Type": "AWS::Lambda::Function", "Properties": function}}
    )
    assert (ended, "below its minimum value" in said) == ("ROLLBACK_COMPLETE", True), said


@shows("existing_names")
def a_stack_does_not_take_over_what_has_its_names(aws: LocalAws, name: str) -> None:
    """What Retain left of a failed creation stops the next; RetainExceptOnCreate leaves none."""
    aws.client("ssm").put_parameter(Name=f"/{name}", Value="by hand", Type="String")

    def resources(kept: str) -> dict[str, Any]:
        group = {"LogGroupName": f"{name}-{kept}"}
        # Made once the group is there, under a name that is taken.
        late = {"Name": f"/{name}", "Type": "String", "Value": "by a stack"}
        return {
            "Logs": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": kept, "Properties": group},
            "Late": {"Type": "AWS::SSM::Parameter", "DependsOn": "Logs", "Properties": late},
        }

    for kept in ("Retain", "RetainExceptOnCreate"):
        ended, said = _ended(aws, f"{name}-{kept}", resources(kept))
        assert ended == "ROLLBACK_COMPLETE", said
    for kept, wanted in (("Retain", True), ("RetainExceptOnCreate", False)):
        only = {"Logs": resources(kept)["Logs"]}
        ended, said = _ended(aws, f"{name}-{kept}-again", only)
        assert ("already exists" in said) is wanted, (kept, ended, said)


@shows("empty_lists")
def nothing_is_selected_from_an_empty_list(aws: LocalAws, name: str) -> None:
    """``Fn::Select`` of a list parameter that is given nothing fails; joined it is empty."""
    parameters = {"Subnets": {"Type": "CommaDelimitedList", "Default": ""}}

    def has(value: Any) -> dict[str, Any]:
        return {"HasVpc": {"Fn::Not": [{"Fn::Equals": [value, ""]}]}}

    queue = {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "InVpc": {"Type": "AWS::SQS::Queue", "Condition": "HasVpc"},
    }
    joined = has({"Fn::Join": ["", {"Ref": "Subnets"}]})
    made = deploy(aws, name, queue, Parameters=parameters, Conditions=joined)
    assert sorted(made) == ["Queue"]
    selected = has({"Fn::Select": [0, {"Ref": "Subnets"}]})
    ended, said = _ended(aws, f"{name}-0", queue, Parameters=parameters, Conditions=selected)
    assert (ended, "nonexistent value" in said) == ("REFUSED", True), said


@shows("parameter_rate")
def parameters_are_read_forty_times_a_second(aws: LocalAws, name: str) -> None:
    """Whoever asks more often is throttled, and is answered a moment later."""
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=f"/{name}", Value="on", Type="String")
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ssm:getParameter",
        "Parameters": {"Name": f"/{name}"},
        "End": True,
    }
    # Inside of the local AWS: a client of this test may be slower than what is allowed.
    everybody = {
        "Type": "Map",
        "ItemsPath": "$.askers",
        "ItemProcessor": {"StartAt": "Ask", "States": {"Ask": ask}},
        "End": True,
    }
    machine = make_machine(aws, name, {"Everybody": everybody})
    many = {"askers": list(range(200))}
    errors = (run_machine(aws, machine, many).get("error") for _ in range(3))
    assert "Ssm.ThrottlingException" in errors, "two hundred calls at once were answered"

    def answered() -> bool:
        return bool(run_machine(aws, machine, {"askers": [1]})["status"] == "SUCCEEDED")

    eventually(answered, "a later call is answered", 3)


@shows("task_result_size")
def a_result_of_more_than_256_kib_fails_whatever_is_caught(aws: LocalAws, name: str) -> None:
    """``States.ALL`` does not catch it, its own name does; what is within the limit passes."""
    function = make_function(aws, name, _FUNCTION)

    def machine(suffix: str, error: str) -> str:
        states = {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": function, "Payload.$": "$"},
                "ResultSelector": {"status.$": "$.StatusCode"},
                "Catch": [{"ErrorEquals": [error], "Next": "Caught"}],
                "End": True,
            },
            "Caught": {"Type": "Succeed"},
        }
        return make_machine(aws, f"{name}-{suffix}", states)

    everything = machine("all", "States.ALL")
    assert run_machine(aws, everything, {"length": 261_000})["status"] == "SUCCEEDED"
    failed = run_machine(aws, everything, {"length": 263_000})
    assert (failed["status"], failed.get("error")) == ("FAILED", "States.DataLimitExceeded")
    named = machine("name", "States.DataLimitExceeded")
    assert run_machine(aws, named, {"length": 263_000})["status"] == "SUCCEEDED"


@shows("state_data_size")
def no_state_assigns_or_hands_on_more_than_256_kib(aws: LocalAws, name: str) -> None:
    """All variables of one ``Assign`` count together, in UTF-8; ``States.ALL`` does not help."""

    def ended(suffix: str, state: dict[str, Any], text: str) -> tuple[str, str | None]:
        told = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {}, "End": True}
        first = {"QueryLanguage": "JSONata", "Next": "Told", **state}
        machine = make_machine(aws, f"{name}-{suffix}", {"First": first, "Told": told})
        execution = run_machine(aws, machine, {"text": text})
        return execution["status"], execution.get("error")

    passes, refused = ("SUCCEEDED", None), ("FAILED", "States.DataLimitExceeded")
    twice = {"one": "{% $states.input.text %}", "two": "{% $states.input.text %}"}
    assign = {"Type": "Pass", "Assign": twice}
    assert ended("within", assign, "x" * 131_000) == passes
    assert ended("beyond", assign, "x" * 131_100) == refused
    assert ended("wide", assign, "警" * 44_000) == refused
    assert ended("escaped", assign, '"' * 66_000) == refused
    assert ended("output", {"Type": "Pass", "Output": twice}, "x" * 131_100) == refused
    asks = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ssm:getParameters",
        "Arguments": {"Names": "{% [$states.input.text, $states.input.text] %}"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Told"}],
    }
    assert ended("caught", asks, "x" * 100_000) == passes
    assert ended("arguments", asks, "x" * 131_100) == refused
