"""Lambda: errors, environments, concurrency and metrics as AWS has them."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
    calling,
    deploy,
    eventually,
    invoke,
    make_function,
    make_machine,
    make_role,
    run_machine,
    zipped,
)


@shows("lambda_error_types")
def exceptions_keep_their_name(aws: LocalAws, name: str) -> None:
    """The class name is the error's type, a Catch matches it, and the process lives on."""
    code = """
import os
class ClusterUnreachable(Exception):
    pass
def handler(event, context):
    if event.get("fail"):
        raise ClusterUnreachable("no route")
    return os.getpid()
"""
    arn = make_function(aws, name, code)
    _error, process = invoke(aws, name, {})
    error, payload = invoke(aws, name, {"fail": True})

    assert error is not None
    assert payload["errorType"] == "ClusterUnreachable"
    assert payload["errorMessage"] == "no route"
    assert "raise ClusterUnreachable" in payload["stackTrace"][0]
    assert invoke(aws, name, {}) == (None, process)

    dies = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    make_function(aws, f"{name}-dies", f"{dies}def handler(event, context):\n    return None\n")
    assert invoke(aws, f"{name}-dies", {})[1]["errorType"] == "Runtime.ExitError"

    machine = make_machine(
        aws,
        name,
        {
            "Act": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": arn, "Payload": {"fail": True}},
                "Catch": [
                    {"ErrorEquals": ["ClusterUnreachable"], "Next": "Caught"},
                    {"ErrorEquals": ["States.ALL"], "Next": "Missed"},
                ],
                "Next": "Missed",
            },
            "Caught": {"Type": "Succeed"},
            "Missed": {"Type": "Fail", "Error": "Missed"},
        },
    )
    assert run_machine(aws, machine)["status"] == "SUCCEEDED"


@shows("lambda_environment")
def functions_do_not_see_the_hosts_environment(aws: LocalAws, name: str) -> None:
    """A function has Lambda's variables, its own, and the endpoint; and its role's rights only."""
    code = """
import os
import boto3
from botocore.exceptions import ClientError
def handler(event, context):
    try:
        boto3.client("sqs").list_queues()
        queues = "allowed"
    except ClientError as error:
        queues = error.response["Error"]["Code"]
    who = boto3.client("sts").get_caller_identity()["Arn"]
    return {"environment": dict(os.environ), "who": who, "queues": queues}
"""
    make_function(aws, name, code, Environment={"Variables": {"BUS": "b", "LANG": "mine"}})

    error, payload = invoke(aws, name, {})

    assert error is None, payload
    seen: dict[str, str] = payload["environment"]
    assert seen["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert (seen["BUS"], seen["LANG"], seen["AWS_REGION"]) == ("b", "mine", aws.region)
    assert seen.get("AWS_EXECUTION_ENV") == "AWS_Lambda_python3.11"
    assert payload["who"].endswith(f"assumed-role/{name}-lambda/{name}")
    assert payload["queues"].startswith("AccessDenied")
    foreign = [
        key for key in seen if key.startswith(("SRECTL_", "MINISTACK", "TMPDIR", "HOME", "GATEWAY"))
    ]
    assert foreign == []
    assert aws.secret not in json.dumps(seen)


@shows("lambda_libraries")
def a_function_finds_its_own_libraries_and_the_sdk(aws: LocalAws, name: str) -> None:
    """What is installed beside the emulator is not there; boto3 and what it needs is."""
    code = """
import importlib.util
def handler(event, context):
    return [each for each in event if importlib.util.find_spec(each)]
"""
    make_function(aws, name, code)
    asked = ["app", "boto3", "urllib3", "ministack", "kubernetes", "awscrt", "OpenSSL", "pytest"]
    assert invoke(aws, name, asked) == (None, ["app", "boto3", "urllib3"])


@shows("lambda_concurrency")
def reserved_concurrency_from_cloudformation_is_a_limit(aws: LocalAws, name: str) -> None:
    """Of more calls at once than are reserved, the surplus is throttled."""
    code = "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="code.zip", Body=zipped(code))
    function = {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": make_role(aws, f"{name}-lambda", "lambda.amazonaws.com"),
        "Code": {"S3Bucket": name, "S3Key": "code.zip"},
        "Timeout": 30,
        "ReservedConcurrentExecutions": 2,
    }
    deploy(aws, name, {"Function": {"Type": "AWS::Lambda::Function", "Properties": function}})

    # Made before: all calls must be under way before the first one ends.
    functions = aws.client("lambda")

    def call(_: int) -> str:
        try:
            functions.invoke(FunctionName=name, Payload=b'{"seconds":3}')
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "done"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(call, range(4)))

    assert outcomes == ["TooManyRequestsException"] * 2 + ["done"] * 2


@shows("lambda_worker_limit")
def a_burst_does_not_start_processes_without_bound(aws: LocalAws, name: str) -> None:
    """Calls beyond the worker limit wait for a free process."""
    code = """
import time
def handler(event, context):
    begin = time.time()
    time.sleep(1.5)
    return [begin, time.time()]
"""
    make_function(aws, name, code)

    calls = aws.max_lambda_workers + 4

    functions = aws.client("lambda")

    def call(_: int) -> Any:
        return json.load(functions.invoke(FunctionName=name, Payload=b"{}")["Payload"])

    with ThreadPoolExecutor(calls) as pool:
        answers = list(pool.map(call, range(calls)))

    at_once = max(sum(b <= begin < e for b, e in answers) for begin, _end in answers)
    assert at_once <= aws.max_lambda_workers


@shows("lambda_metrics")
def every_way_of_invoking_is_counted(aws: LocalAws, name: str) -> None:
    """A call from a state machine counts in AWS/Lambda like one through the API."""
    arn = make_function(aws, name, "def handler(event, context):\n    raise KeyError('x')\n")
    machine = make_machine(aws, name, calling(arn))
    run_machine(aws, machine)
    invoke(aws, name, {})
    cloudwatch = aws.client("cloudwatch")

    def total(metric: str) -> float:
        now = datetime.now(UTC)
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=600,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    eventually(lambda: total("Invocations") >= 2, "both invocations are counted")
    assert (total("Invocations"), total("Errors")) == (2, 2)


@shows("lambda_code_once")
def all_workers_of_a_version_run_the_same_files(aws: LocalAws, name: str) -> None:
    """Two calls at once have two processes and one folder; new code has another folder."""
    code = (
        "import os, time\n"
        "def handler(event, context):\n"
        "    time.sleep(event)\n"
        "    return [os.getpid(), os.path.realpath(__file__)]\n"
    )
    make_function(aws, name, code)
    with ThreadPoolExecutor(2) as pool:
        answers = [payload for _, payload in pool.map(lambda _: invoke(aws, name, 3), range(2))]
    assert len({pid for pid, _ in answers}) == 2
    assert len({path for _, path in answers}) == 1

    aws.client("lambda").update_function_code(
        FunctionName=name, ZipFile=zipped(f"{code}    # changed\n")
    )
    _, (_, path) = invoke(aws, name, 0)
    assert path != answers[0][1]


@shows("lambda_log_end")
def a_silent_function_answers_at_once_and_a_log_is_whole(aws: LocalAws, name: str) -> None:
    """Nothing is waited for where nothing is logged; what is logged belongs to its invocation."""
    code = (
        "def handler(event, context):\n"
        "    for number in range(event):\n"
        "        print('line', number)\n"
    )
    loud, silent = f"{name}-loud", f"{name}-silent"
    for each in (loud, silent):
        make_function(aws, each, code)
    functions = aws.client("lambda")

    def lines(number: int) -> int:
        answer = functions.invoke(FunctionName=loud, Payload=str(number), LogType="Tail")
        # The last 4 KB, as on AWS.
        tail = base64.b64decode(answer.get("LogResult", "")).decode()
        assert "end-of-invocation" not in tail
        return tail.count("line ")

    assert [lines(number) for number in (3, 0, 2, 0)] == [3, 0, 2, 0]

    def milliseconds() -> list[int]:
        events = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{silent}")[
            "events"
        ]
        found = (re.search(r"REPORT .*\bDuration: (\d+)", event["message"]) for event in events)
        return [int(match[1]) for match in found if match]

    for _ in range(20):
        functions.invoke(FunctionName=silent, Payload="0")
    # The emulator alone waits for 50 ms, however quick the machine is.
    assert min(milliseconds()) < 50, milliseconds()
