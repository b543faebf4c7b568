"""What the probes need again and again: stacks, functions, machines, and waiting for an effect."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from onemachine.aws.local_aws import LocalAws
from tests.support import waiting

T = TypeVar("T")

_USUAL_SECONDS = 15.0
ONCE = 1.0
#: How many times as long an effect is waited for: long where it must come, however busy the machine
#: is, once where it must not.
PATIENCE: ContextVar[float] = ContextVar(
    "PATIENCE", default=waiting.PATIENCE_SECONDS / _USUAL_SECONDS
)


def eventually(probe: Callable[[], T | None], what: str, seconds: float = _USUAL_SECONDS) -> T:
    """Return the first truthy answer of ``probe``; fail saying ``what`` did not happen."""
    return waiting.eventually(what, probe, seconds * PATIENCE.get())


def deploy(aws: LocalAws, stack: str, resources: dict[str, Any], **extra: Any) -> dict[str, str]:
    """Create or update a CloudFormation stack and return its physical ids by logical id."""
    cloudformation = aws.client("cloudformation")
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources, **extra}
    arguments = {
        "StackName": stack,
        "TemplateBody": json.dumps(template),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        cloudformation.describe_stacks(StackName=stack)
    except cloudformation.exceptions.ClientError:
        cloudformation.create_stack(**arguments)
    else:
        cloudformation.update_stack(**arguments)

    def finished() -> dict[str, Any] | None:
        described: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return None if described["StackStatus"].endswith("_IN_PROGRESS") else described

    described = eventually(finished, f"stack {stack} settles")
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    reasons = [e.get("ResourceStatusReason") for e in events if "FAILED" in e["ResourceStatus"]]
    assert described["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), (
        described["StackStatus"],
        reasons,
    )
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found}


def make_role(aws: LocalAws, name: str, service: str, statements: list[Any] | None = None) -> str:
    """Create a role that ``service`` may assume and return its ARN."""
    iam = aws.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return str(arn)


def zipped(code: str) -> bytes:
    """Return an archive that holds ``app.py``."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("app.py", code)
    return archive.getvalue()


def make_function(
    aws: LocalAws,
    name: str,
    code: str,
    statements: list[Any] | None = None,
    **arguments: Any,
) -> str:
    """Create a Python function with a role of its own and return its ARN."""
    role = make_role(aws, f"{name}-lambda", "lambda.amazonaws.com", statements)
    created = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": zipped(code)},
        Timeout=30,
        **arguments,
    )
    return str(created["FunctionArn"])


def invoke(aws: LocalAws, name: str, event: Any = None) -> tuple[str | None, Any]:
    """Invoke a function and return its FunctionError and its payload."""
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read() or "null")


def calling(function: str, **more: Any) -> dict[str, Any]:
    """Give the states of a machine that calls a function, and ends with what that says."""
    act = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": {}},
        "End": True,
    }
    return {"Act": {**act, **more}}


def make_machine(
    aws: LocalAws,
    name: str,
    states: dict[str, Any],
    statements: list[Any] | None = None,
    *,
    kind: str = "STANDARD",
    timeout: int | None = None,
) -> str:
    """Create a state machine that starts at the first state; return its ARN."""
    role = make_role(aws, f"{name}-states", "states.amazonaws.com", statements)
    created = aws.client("stepfunctions").create_state_machine(
        name=name,
        roleArn=role,
        definition=json.dumps(
            {
                "StartAt": next(iter(states)),
                "States": states,
                **({"TimeoutSeconds": timeout} if timeout else {}),
            }
        ),
        type=kind,
    )
    return str(created["stateMachineArn"])


def run_machine(
    aws: LocalAws, arn: str, given: Any = None, seconds: float = 15.0
) -> dict[str, Any]:
    """Start an execution and return its description once it has ended."""
    steps = aws.client("stepfunctions")
    execution = steps.start_execution(stateMachineArn=arn, input=json.dumps(given or {}))

    def ended() -> dict[str, Any] | None:
        described: dict[str, Any] = steps.describe_execution(executionArn=execution["executionArn"])
        return None if described["status"] == "RUNNING" else described

    return eventually(ended, "the execution ends", seconds)


def make_queue(aws: LocalAws, name: str) -> tuple[str, str]:
    """Create a queue that rules and topics may send to, and roles with a grant of their own.

    Returns its URL and its ARN.
    """
    sqs = aws.client("sqs")
    services = {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": services, "Action": "sqs:SendMessage", "Resource": "*"}
        ],
    }
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return str(url), str(arn["QueueArn"])


def receive(aws: LocalAws, queue_url: str, seconds: float = 5.0) -> dict[str, Any]:
    """Return the next message of a queue, with its attributes."""

    def first() -> dict[str, Any] | None:
        answer = aws.client("sqs").receive_message(
            QueueUrl=queue_url, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages[0] if messages else None

    return eventually(first, f"a message in {queue_url}", seconds)


def metric_sum(aws: LocalAws, namespace: str, metric: str, **dimensions: str) -> float | None:
    """Return the sum of a metric over the last minutes, or None where it has no data."""
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points)) if points else None


@dataclass
class HttpReceiver:
    """An HTTP subscriber: keeps what it is sent, confirms, and fails as often as it is told."""

    url: str
    failures_left: int = 0
    status: int = 200
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return the received SNS messages of one type."""
        return [request for request in self.requests if request.get("Type") == kind]


@contextmanager
def http_receiver(failures: int = 0) -> Iterator[HttpReceiver]:
    """Run a subscriber on loopback that answers 500 to the first ``failures`` messages."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = json.loads(body)
            receiver.requests.append(message)
            receiver.paths.append(self.path)
            status = 200
            if message.get("Type") in (None, "Notification") and receiver.failures_left:
                receiver.failures_left -= 1
                status = 500
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = HttpReceiver(f"http://127.0.0.1:{server.server_address[1]}/", failures)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
