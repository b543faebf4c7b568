"""Step Functions: starting, tasks and paths as AWS has them."""

from __future__ import annotations

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
    calling,
    deploy,
    eventually,
    make_function,
    make_machine,
    make_queue,
    make_role,
    metric_sum,
    receive,
    run_machine,
)


@shows("task_sns_attributes")
def message_attributes_reach_the_subscribers_filter(aws: LocalAws, name: str) -> None:
    """``sns:publish`` carries MessageAttributes, so that a filter policy can match them."""
    url, queue_arn = make_queue(aws, name)
    sns = aws.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue_arn,
        Attributes={
            "FilterPolicy": '{"severity":["critical"]}',
            "RawMessageDelivery": "true",
        },
    )
    machine = make_machine(
        aws,
        name,
        {
            "Notify": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sns:publish",
                "Parameters": {
                    "TopicArn": topic,
                    "Message": {"text": "escalated"},
                    "MessageAttributes": {
                        "severity": {"DataType": "String", "StringValue.$": "$.severity"}
                    },
                },
                "End": True,
            }
        },
    )
    run_machine(aws, machine, {"severity": "info"})
    assert run_machine(aws, machine, {"severity": "critical"})["status"] == "SUCCEEDED"

    message = receive(aws, url)
    assert message["MessageAttributes"]["severity"]["StringValue"] == "critical"
    assert json.loads(message["Body"]) == {"text": "escalated"}


@shows("execution_idempotent_start")
def starting_the_same_execution_twice_is_once(aws: LocalAws, name: str) -> None:
    """Same name and input while it runs gives the same execution; another input is refused."""
    machine = make_machine(aws, name, {"Wait": {"Type": "Wait", "Seconds": 30, "End": True}})
    steps = aws.client("stepfunctions")
    execution = str(uuid.uuid4())

    first = steps.start_execution(stateMachineArn=machine, name=execution, input='{"a":1}')
    second = steps.start_execution(stateMachineArn=machine, name=execution, input='{"a":1}')

    assert second["executionArn"] == first["executionArn"]
    assert second["startDate"] == first["startDate"]
    try:
        steps.start_execution(stateMachineArn=machine, name=execution, input='{"a":2}')
    except steps.exceptions.ExecutionAlreadyExists:
        pass
    else:
        raise AssertionError("a second input was taken under the same name")
    finally:
        steps.stop_execution(executionArn=first["executionArn"])


@shows("task_start_errors")
def a_start_that_is_refused_says_so_under_its_name(aws: LocalAws, name: str) -> None:
    """``states:startExecution`` fails with ``StepFunctions.ExecutionAlreadyExistsException``."""
    child = make_machine(aws, f"{name}-child", {"End": {"Type": "Succeed"}})
    steps = aws.client("stepfunctions")
    taken = steps.start_execution(stateMachineArn=child, name="taken", input="{}")["executionArn"]
    eventually(
        lambda: steps.describe_execution(executionArn=taken)["status"] == "SUCCEEDED",
        "the first execution ends",
    )
    start: dict[str, Any] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": child, "Name": "taken", "Input": {}},
        "End": True,
    }
    refused = run_machine(aws, make_machine(aws, name, {"Start": start}))
    assert refused["error"] == "StepFunctions.ExecutionAlreadyExistsException"


@shows("task_sdk_names")
def an_integration_of_the_sdk_takes_its_names_alone(aws: LocalAws, name: str) -> None:
    """A set is ``Ss`` there, and ``SS`` fails the execution; its own integrations take ``SS``."""
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = f"arn:aws:dynamodb:{aws.region}:{aws.account_id}:table/{name}"
    may = [{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table}]

    def put(integration: str, kind: str) -> dict[str, Any]:
        item = {"key": {"S": "one"}, "some": {kind: ["text"]}}
        state: dict[str, Any] = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{integration}:putItem",
            "Parameters": {"TableName": name, "Item": item},
            "End": True,
        }
        machine = f"{name}-{kind}-{integration.replace(':', '-')}"
        return run_machine(aws, make_machine(aws, machine, {"Put": state}, may))

    refused = put("aws-sdk:dynamodb", "SS")
    assert (refused["status"], refused.get("error")) == ("FAILED", "States.Runtime")
    assert '"SS" is not supported' in refused["cause"]
    assert put("aws-sdk:dynamodb", "Ss")["status"] == "SUCCEEDED"
    assert put("dynamodb", "SS")["status"] == "SUCCEEDED"


@shows("task_jsonata_timeout")
def a_timeout_may_be_an_expression(aws: LocalAws, name: str) -> None:
    """TimeoutSeconds as a JSONata expression ends a task that nobody answers."""
    url, _arn = make_queue(aws, name)
    ask: dict[str, Any] = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": url, "MessageBody": "{% $states.context.Task.Token %}"},
        "TimeoutSeconds": "{% 1 + 1 %}",
        "End": True,
    }
    ended = run_machine(aws, make_machine(aws, name, {"Ask": ask}), seconds=8)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


@shows("task_answered_once")
def of_several_answers_one_counts(aws: LocalAws, name: str) -> None:
    """Whoever answers second is refused, also in the same moment."""
    url, _arn = make_queue(aws, name)
    ask: dict[str, Any] = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": url, "MessageBody": "{% $states.context.Task.Token %}"},
        "End": True,
    }
    machine = make_machine(aws, name, {"Ask": ask})
    steps = aws.client("stepfunctions")
    late = steps.exceptions
    for _ in range(2):
        execution = steps.start_execution(stateMachineArn=machine)["executionArn"]
        question = receive(aws, url)
        aws.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=question["ReceiptHandle"])
        token = question["Body"]
        begin = threading.Barrier(8)

        def answer(number: int, token: str = token, begin: threading.Barrier = begin) -> list[int]:
            begin.wait(10)
            try:
                steps.send_task_success(taskToken=token, output=json.dumps(number))
            except late.TaskTimedOut:
                return []
            return [number]

        with ThreadPoolExecutor(8) as pool:
            counted = [each for taken in pool.map(answer, range(8)) for each in taken]
        assert len(counted) == 1, counted
        done = eventually(
            lambda: steps.describe_execution(executionArn=execution).get("output"),  # noqa: B023
            "the end",
        )
        assert json.loads(done) == counted[0]
        with pytest.raises(late.TaskTimedOut):  # and long after
            steps.send_task_failure(taskToken=token)


@shows("succeed_output")
def the_last_state_says_what_the_execution_answers(aws: LocalAws, name: str) -> None:
    """Output of a Succeed state is the execution's, not what the state before it gave."""
    over = {"Type": "Succeed", "QueryLanguage": "JSONata", "Output": {"sum": "{% 1 + 1 %}"}}
    ended = run_machine(aws, make_machine(aws, name, {"Over": over}))
    assert json.loads(ended["output"]) == {"sum": 2}


@shows("task_lambda_throttle")
def a_throttled_function_is_named_as_aws_names_it(aws: LocalAws, name: str) -> None:
    """A task whose function has no concurrency left fails as Lambda.TooManyRequestsException."""
    arn = make_function(aws, name, "def handler(event, context):\n    return 1\n")
    aws.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    machine = make_machine(aws, name, calling(arn))

    ended = run_machine(aws, machine)

    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.TooManyRequestsException")


@shows("task_retry_delays")
def a_retry_waits_no_longer_than_its_maximum(aws: LocalAws, name: str) -> None:
    """The second wait would be 20 seconds, but MaxDelaySeconds says 2."""
    arn = make_function(aws, name, "def handler(event, context):\n    return 1\n")
    aws.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    retry = {"IntervalSeconds": 1, "BackoffRate": 20, "MaxDelaySeconds": 2, "MaxAttempts": 2}
    machine = make_machine(
        aws, name, calling(arn, Retry=[{"ErrorEquals": ["States.ALL"], **retry}])
    )

    ended = run_machine(aws, machine)

    assert ended["status"] == "FAILED"
    assert 2.5 <= (ended["stopDate"] - ended["startDate"]).total_seconds() < 15


@shows("task_role_grants")
def a_task_may_do_what_the_machines_role_may(aws: LocalAws, name: str) -> None:
    """A task without its grant fails; with it, on this resource and key only, it succeeds."""
    aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    )
    url, _queue_arn = make_queue(aws, name)
    statement = {
        "Effect": "Allow",
        "Action": ["dynamodb:PutItem", "dynamodb:BatchGetItem"],
        "Resource": f"arn:aws:dynamodb:{aws.region}:{aws.account_id}:table/{name}",
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["incident#*"]}},
    }
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Parameters": {"TableName": name, "Item": {"k": {"S.$": "$.key"}}},
        "End": True,
    }
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": url, "MessageBody": "x"},
        "End": True,
    }
    keys = [{"k": {"S": "incident#1"}}, {"k": {"S.$": "$.key"}}]
    read = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:batchGetItem",
        "Parameters": {"RequestItems": {name: {"Keys": keys}}},
        "End": True,
    }
    writer = make_machine(aws, f"{name}-put", {"Put": put}, [statement])
    reader = make_machine(aws, f"{name}-read", {"Read": read}, [statement])
    sender = make_machine(aws, f"{name}-send", {"Send": send}, [statement])

    assert run_machine(aws, writer, {"key": "incident#1"})["status"] == "SUCCEEDED"
    assert run_machine(aws, reader, {"key": "incident#2"})["status"] == "SUCCEEDED"
    refused = {
        "key": run_machine(aws, writer, {"key": "lock#1"}),
        "one key of a batch": run_machine(aws, reader, {"key": "lock#1"}),
        "service": run_machine(aws, sender),
    }
    assert {k: (e["status"], e.get("error")) for k, e in refused.items()} == dict.fromkeys(
        refused, ("FAILED", "States.Permissions")
    )
    assert "sqs:SendMessage" in refused["service"]["cause"]


@shows("execution_status")
def an_execution_ends_once_and_says_so_on_the_default_bus(aws: LocalAws, name: str) -> None:
    """Stopped, failed, timed out: one event each, with the input; none of an Express one."""
    url, queue = make_queue(aws, name)
    events, steps = aws.client("events"), aws.client("stepfunctions")
    machines = {
        "ABORTED": make_machine(
            aws,
            f"{name}-stop",
            {"Wait": {"Type": "Wait", "Seconds": 4, "Next": "Fail"}, "Fail": {"Type": "Fail"}},
        ),
        "FAILED": make_machine(aws, f"{name}-fail", {"Fail": {"Type": "Fail", "Error": "Broken"}}),
        "TIMED_OUT": make_machine(
            aws, f"{name}-time", {"Wait": {"Type": "Wait", "Seconds": 30, "End": True}}, timeout=1
        ),
    }
    express = make_machine(aws, f"{name}-fast", {"Fail": {"Type": "Fail"}}, kind="EXPRESS")
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [*machines.values(), express],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue}])
    try:
        steps.start_execution(stateMachineArn=express, input="{}")
        # The one that is stopped last, so that its wait is not over before.
        started = {
            status: steps.start_execution(stateMachineArn=machines[status], input='{"incident":1}')
            for status in ("FAILED", "TIMED_OUT", "ABORTED")
        }
        aborted = started["ABORTED"]["executionArn"]

        def waiting() -> bool:
            history = steps.get_execution_history(executionArn=aborted)["events"]
            return any(each["type"] == "WaitStateEntered" for each in history)

        eventually(waiting, "it is in its wait state")
        steps.stop_execution(executionArn=aborted)
        over = time.monotonic() + 4.5
        told: dict[str, list[str]] = {}

        def all_told() -> bool:
            for message in aws.client("sqs").receive_message(QueueUrl=url).get("Messages", []):
                event = json.loads(message["Body"])
                assert event["detail"]["input"] == '{"incident":1}'
                told.setdefault(event["detail"]["executionArn"], []).append(
                    event["detail"]["status"]
                )
                aws.client("sqs").delete_message(
                    QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]
                )
            return len(told) >= len(machines)

        eventually(all_told, "every end is told")
        # What fails after it was stopped must not end a second time.
        time.sleep(max(0.0, over - time.monotonic()))
        all_told()
        assert told == {run["executionArn"]: [status] for status, run in started.items()}
        for status, run in started.items():
            described = steps.describe_execution(executionArn=run["executionArn"])
            assert described["status"] == status
    finally:
        events.remove_targets(Rule=name, Ids=["1"])
        events.delete_rule(Name=name)


@shows("execution_nested")
def a_child_is_an_execution_and_ends_with_the_one_that_waits_for_it(
    aws: LocalAws, name: str
) -> None:
    """Its output and its failure come back; stopping the one that waits stops it."""
    steps = aws.client("stepfunctions")
    child = make_machine(
        aws,
        f"{name}-child",
        {
            "Which": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.do", "StringEquals": "fail", "Next": "Fail"},
                    {"Variable": "$.do", "StringEquals": "wait", "Next": "Wait"},
                ],
                "Default": "Done",
            },
            "Fail": {"Type": "Fail", "Error": "Broken", "Cause": "as asked"},
            "Wait": {"Type": "Wait", "Seconds": 60, "End": True},
            "Done": {"Type": "Pass", "Result": {"said": "done"}, "End": True},
        },
    )
    start: dict[str, Any] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Input": {"do.$": "$.do"}},
        "End": True,
    }
    parent = make_machine(aws, name, {"Start": start})

    done = run_machine(aws, parent, {"do": "end"})
    assert json.loads(done["output"])["Output"] == {"said": "done"}
    failed = run_machine(aws, parent, {"do": "fail"})
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(failed["cause"])["Error"] == "Broken"

    waiting = steps.start_execution(stateMachineArn=parent, input=json.dumps({"do": "wait"}))

    def running() -> list[dict[str, Any]]:
        listed = steps.list_executions(stateMachineArn=child, statusFilter="RUNNING")
        return list(listed["executions"])

    (one,) = eventually(running, "the child runs")
    steps.stop_execution(executionArn=waiting["executionArn"])
    eventually(
        lambda: steps.describe_execution(executionArn=one["executionArn"])["status"] == "ABORTED",
        "the child is stopped, too",
    )


@shows("execution_metrics")
def executions_are_counted_by_how_they_end(aws: LocalAws, name: str) -> None:
    """``AWS/States`` has each machine's executions that started, succeeded and failed."""
    choice = {"Variable": "$.fail", "BooleanEquals": True, "Next": "Failed"}
    machine = make_machine(
        aws,
        name,
        {
            "Which": {"Type": "Choice", "Choices": [choice], "Default": "Done"},
            "Failed": {"Type": "Fail", "Error": "Probe"},
            "Done": {"Type": "Succeed"},
        },
    )
    for fail in (True, False, False):
        run_machine(aws, machine, {"fail": fail})

    def counted() -> list[float | None]:
        return [
            metric_sum(aws, "AWS/States", f"Executions{end}", StateMachineArn=machine)
            for end in ("Started", "Succeeded", "Failed")
        ]

    eventually(lambda: counted() == [3, 2, 1], "every execution is counted")


@shows("task_http")
def an_http_task_calls_an_api_with_its_connections_key(aws: LocalAws, name: str) -> None:
    """``http:invoke`` sends body and key, reads the JSON answer, and fails by the status code."""
    events, gateway = aws.client("events"), aws.client("apigateway")
    connection = events.create_connection(
        Name=name,
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "x-probe", "ApiKeyValue": "k-1"}},
    )["ConnectionArn"]
    echo = make_function(
        aws,
        name,
        "import json\n"
        "def handler(event, context):\n"
        "    body = json.loads(event['body'])\n"
        "    got = {'n': body['n'], 'key': event['headers'].get('x-probe')}\n"
        "    headers = {'Content-Type': 'application/json'}\n"
        "    return {'statusCode': body['n'], 'headers': headers, 'body': json.dumps(got)}\n",
    )
    api = gateway.create_rest_api(name=name)["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    call = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
    gateway.put_method(**call, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{echo}/invocations"
    gateway.put_integration(**call, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="live")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "Parameters": {
            "ApiEndpoint": f"https://{api}.execute-api.{aws.region}.amazonaws.com/live/",
            "Method": "POST",
            "Authentication": {"ConnectionArn": connection},
            "RequestBody": {"n.$": "$.n"},
        },
        "End": True,
    }
    machine = make_machine(aws, name, {"Call": task})

    good = run_machine(aws, machine, {"n": 202})
    bad = run_machine(aws, machine, {"n": 403})
    assert good["status"] == "SUCCEEDED", good
    assert json.loads(good["output"])["ResponseBody"] == {"n": 202, "key": "k-1"}
    assert bad["error"] == "States.Http.StatusCode.403"


@shows("machine_definition")
def a_definition_in_yaml_is_read_after_its_substitutions(aws: LocalAws, name: str) -> None:
    """``DefinitionS3Location`` may name YAML, a value another value; an alias is refused."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    role = make_role(aws, f"{name}-states", "states.amazonaws.com")

    def stack(key: str, text: str) -> str:
        s3.put_object(Bucket=name, Key=key, Body=text.encode())
        machine = {
            "StateMachineName": f"{name}-{key}",
            "DefinitionS3Location": {"Bucket": name, "Key": key},
            "DefinitionSubstitutions": {"Wish": "good ${When}", "When": "night", "End": "[a, b]"},
            "RoleArn": role,
        }
        resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}
        return deploy(aws, f"{name}-{key}", {"Machine": resource})["Machine"]

    head = "StartAt: Wish\nQueryLanguage: JSONata\nStates:\n  Wish:\n    Type: Pass\n"
    head += "    End: true\n"
    output = "    Output:\n      wish: |-\n        {%\n          '${Wish}'\n        %}\n"
    wished = stack("read", f"{head}{output}      ends: ${{End}}\n      word: on\n")
    assert json.loads(run_machine(aws, wished)["output"]) == {
        "wish": "good night",
        "ends": ["a", "b"],
        "word": "on",
    }
    with pytest.raises(AssertionError, match="neither anchors nor aliases"):
        stack("alias", f"{head}    Output: {{first: &a {{}}, second: *a}}\n")


@shows("assign_at_once")
def no_variable_of_an_assign_sees_another_of_it(aws: LocalAws, name: str) -> None:
    """Each is worked out from what was there before; what comes after sees all of them."""
    first = {"Type": "Pass", "Assign": {"one": 1, "two": 2}, "Next": "Swap"}
    swapped = {"one": "{% $two %}", "two": "{% $one %}"}
    swap = {"Type": "Pass", "Assign": swapped, "Next": "Told"}
    told = {"Type": "Pass", "Output": "{% [$one, $two] %}", "End": True}
    states: dict[str, dict[str, Any]] = {"First": first, "Swap": swap, "Told": told}
    states = {key: {"QueryLanguage": "JSONata", **state} for key, state in states.items()}
    assert json.loads(run_machine(aws, make_machine(aws, name, states))["output"]) == [2, 1]


@shows("jsonata_compiled")
def an_expression_is_parsed_once_and_evaluated_each_time(aws: LocalAws, name: str) -> None:
    """An execution takes less than the parsing, which making the machine has done; each is anew."""
    long = " + ".join(["$missing"] * 600)
    expressions = [
        f"{{% false ? {long} : $states.input.number + {index} %}}" for index in range(40)
    ]
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": expressions, "End": True}
    began = time.monotonic()
    machine = make_machine(aws, name, {"First": state})
    parsing = time.monotonic() - began

    def run(number: int) -> float:
        ended = run_machine(aws, machine, {"number": number}, seconds=60)
        assert json.loads(ended["output"]) == [number + index for index in range(40)]
        return float((ended["stopDate"] - ended["startDate"]).total_seconds())

    evaluating = min(run(number) for number in range(3))
    assert evaluating < parsing / 2, (evaluating, parsing)


@shows("express_executions")
def of_express_executions_only_the_newest_are_kept(aws: LocalAws, name: str) -> None:
    """An Express execution is forgotten where hundreds have ended since; a Standard one never."""
    states = {"Only": {"Type": "Pass", "End": True}}
    express = make_machine(aws, f"{name}-fast", states, kind="EXPRESS")
    steps = aws.client("stepfunctions")
    first = steps.start_execution(stateMachineArn=express, input="{}")["executionArn"]
    standard = steps.start_execution(
        stateMachineArn=make_machine(aws, f"{name}-slow", states), input="{}"
    )["executionArn"]
    start: dict[str, Any] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": express, "Input": {}},
        "End": True,
    }
    many: dict[str, Any] = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "Start", "States": {"Start": start}},
        "End": True,
    }
    starting = [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": express}]
    several = make_machine(aws, name, {"Many": many}, starting)
    ended = run_machine(aws, several, list(range(600)), seconds=40)
    assert ended["status"] == "SUCCEEDED", ended

    def is_forgotten() -> bool:
        try:
            steps.describe_execution(executionArn=first)
        except steps.exceptions.ExecutionDoesNotExist:
            return True
        return False

    eventually(is_forgotten, "the first of 601 Express executions is forgotten")
    assert steps.describe_execution(executionArn=standard)["status"] == "SUCCEEDED"
    newest = json.loads(ended["output"])[-1]["ExecutionArn"]
    assert steps.describe_execution(executionArn=newest)["status"] == "SUCCEEDED"


@shows("execution_turns")
def executions_begin_at_once_and_those_that_wait_hold_nobody_up(aws: LocalAws, name: str) -> None:
    """An execution begins without a pause, also while many others wait, in branches, too."""
    wait: dict[str, Any] = {"Type": "Wait", "Seconds": 45, "End": True}
    branch = {"StartAt": "Wait", "States": {"Wait": wait}}
    both = {"Type": "Parallel", "Branches": [branch, branch], "End": True}
    steps = aws.client("stepfunctions")
    waiting = [make_machine(aws, f"{name}-wait", {"Wait": wait})]
    waiting.append(make_machine(aws, f"{name}-both", {"Both": both}))
    begun = [
        steps.start_execution(stateMachineArn=arn)["executionArn"]
        for arn in waiting
        for _ in range(4)
    ]
    quick = make_machine(aws, f"{name}-quick", {"Only": {"Type": "Pass", "End": True}})

    def at_once() -> bool:
        ended = run_machine(aws, quick, seconds=40)
        return bool((ended["stopDate"] - ended["startDate"]).total_seconds() < 0.15)

    # The emulator alone sleeps for 0.15 seconds first, however quick the machine is; with the mend
    # one execution of many is quicker, however busy it is.
    eventually(at_once, "an execution that begins at once", 40)
    assert {steps.describe_execution(executionArn=arn)["status"] for arn in begun} == {"RUNNING"}

    def all_ended() -> bool:
        found = [steps.describe_execution(executionArn=arn)["status"] for arn in begun]
        return set(found) == {"SUCCEEDED"}

    eventually(all_ended, "the executions that waited end", 90)
