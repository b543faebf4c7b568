"""Lambda: errors, environments, concurrency and metrics as AWS has them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
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
        key
        for key in seen
        if key.startswith(("SRECTL_", "MINISTACK", "PYTHONPATH", "TMPDIR", "HOME", "GATEWAY"))
    ]
    assert foreign == []
    assert aws.secret not in json.dumps(seen)


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
    machine = make_machine(
        aws,
        name,
        {
            "Act": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": arn, "Payload": {}},
                "End": True,
            }
        },
    )
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

    eventually(lambda: total("Invocations") >= 2, "both invocations are counted", 3)
    assert (total("Invocations"), total("Errors")) == (2, 2)
