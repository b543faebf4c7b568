"""Mends what a state machine may do: its tasks are checked against its role.

Step Functions calls every service as the machine's role, and a missing grant fails the task. The
emulator enforces the roles of functions but calls services for a state machine as nobody, so that
a forgotten grant is found on AWS first.

Checked are the integrations that this platform uses (see ``_CALLS``). A role that has no policy at
all is left alone, so that a test of a machine's logic needs none. A resource's own policy is looked
at, KMS grants are not. The error's name is ``States.Permissions``, whose documentation covers all
of them; on AWS some services report one of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb, eventbridge, stepfunctions

from onemachine.aws.mends.event_connection import secret_arn
from onemachine.aws.mends.support import refused_by_role

log = logging.getLogger(__name__)

_role_arn: ContextVar[str] = ContextVar("role_arn", default="")
_machine_arn: ContextVar[str] = ContextVar("machine_arn", default="")

Call = tuple[str, str, dict[str, Any]]


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _function(arguments: dict[str, Any]) -> Iterable[Call]:
    name = str(arguments.get("FunctionName", ""))
    arn = name if name.startswith("arn:") else _arn("lambda", f"function:{name}")
    yield "lambda:InvokeFunction", arn, {}


def _table(operation: str) -> Callable[[dict[str, Any]], Iterable[Call]]:
    def calls(arguments: dict[str, Any]) -> Iterable[Call]:
        name = str(arguments.get("TableName", "")).rsplit("/", 1)[-1]
        index = arguments.get("IndexName")
        resource = f"table/{name}/index/{index}" if index else f"table/{name}"
        table = dynamodb._tables.get(name) or {}
        key = (arguments.get("Key") or arguments.get("Item") or {}).get(table.get("pk_name")) or {}
        leading = [str(value) for value in key.values()]
        context = {"dynamodb:leadingkeys": leading} if leading else {}
        yield f"dynamodb:{operation}", _arn("dynamodb", resource), context

    return calls


def _batch(arguments: dict[str, Any]) -> Iterable[Call]:
    """Each table is asked for once, with all the keys that are read of it."""
    for table, wanted in (arguments.get("RequestItems") or {}).items():
        name = str(table).rsplit("/", 1)[-1]
        key = (dynamodb._tables.get(name) or {}).get("pk_name")
        keys = [each.get(key) or {} for each in wanted.get("Keys") or []]
        leading = [str(value) for each in keys for value in each.values()]
        context = {"dynamodb:leadingkeys": leading} if leading else {}
        yield "dynamodb:BatchGetItem", _arn("dynamodb", f"table/{name}"), context


def _transaction(arguments: dict[str, Any]) -> Iterable[Call]:
    """Each part of a transaction needs the grant that it would need alone."""
    for item in arguments.get("TransactItems") or []:
        for kind, write in item.items():
            operation = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            yield from _table(operation)(write)


def _topic(arguments: dict[str, Any]) -> Iterable[Call]:
    yield "sns:Publish", str(arguments.get("TopicArn", "")), {}


def _queue(arguments: dict[str, Any]) -> Iterable[Call]:
    name = str(arguments.get("QueueUrl", "")).rstrip("/").rsplit("/", 1)[-1]
    yield "sqs:SendMessage", _arn("sqs", name), {}


def _machine(arguments: dict[str, Any]) -> Iterable[Call]:
    yield "states:StartExecution", str(arguments.get("StateMachineArn", "")), {}


def _machine_and_its_end(arguments: dict[str, Any]) -> Iterable[Call]:
    """Waiting for the end takes a rule that Step Functions makes for itself, and more grants."""
    arn = str(arguments.get("StateMachineArn", ""))
    yield "states:StartExecution", arn, {}
    executions = f"{arn.replace(':stateMachine:', ':execution:')}:any"
    for operation in ("DescribeExecution", "StopExecution"):
        yield f"states:{operation}", executions, {}
    rule = _arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")
    for operation in ("PutTargets", "PutRule", "DescribeRule"):
        yield f"events:{operation}", rule, {}


def _bus(arguments: dict[str, Any]) -> Iterable[Call]:
    for entry in arguments.get("Entries") or []:
        name = str(entry.get("EventBusName", "default"))
        arn = name if name.startswith("arn:") else _arn("events", f"event-bus/{name}")
        yield "events:PutEvents", arn, {}


def _parameter(operation: str) -> Callable[[dict[str, Any]], Iterable[Call]]:
    def calls(arguments: dict[str, Any]) -> Iterable[Call]:
        for name in arguments.get("Names") or [arguments.get("Name", "")]:
            yield f"ssm:{operation}", _arn("ssm", f"parameter/{str(name).lstrip('/')}"), {}

    return calls


def _http(arguments: dict[str, Any]) -> Iterable[Call]:
    context = {
        "states:httpmethod": str(arguments.get("Method", "")),
        "states:httpendpoint": str(arguments.get("ApiEndpoint", "")),
    }
    yield "states:InvokeHTTPEndpoint", _machine_arn.get(), context
    arn = str((arguments.get("Authentication") or {}).get("ConnectionArn", ""))
    yield "events:RetrieveConnectionCredentials", arn, {}
    connection = eventbridge._connections.get(arn.rsplit("/", 1)[-1])
    if connection is not None:
        for operation in ("GetSecretValue", "DescribeSecret"):
            yield f"secretsmanager:{operation}", secret_arn(connection), {}


def _metrics(arguments: dict[str, Any]) -> Iterable[Call]:
    yield (
        "cloudwatch:PutMetricData",
        "*",
        {"cloudwatch:namespace": str(arguments.get("Namespace", ""))},
    )


_TABLE_OPERATIONS = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query")
_PARAMETER_OPERATIONS = ("GetParameter", "GetParameters", "PutParameter")


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


_CALLS: dict[str, Callable[[dict[str, Any]], Iterable[Call]]] = {
    "lambda:invoke": _function,
    "sns:publish": _topic,
    "sqs:sendMessage": _queue,
    "events:putEvents": _bus,
    "states:startExecution": _machine,
    "states:startExecution.sync:2": _machine_and_its_end,
    "http:invoke": _http,
    "dynamodb:batchGetItem": _batch,
    "dynamodb:transactWriteItems": _transaction,
    "dynamodb:transactGetItems": _transaction,
    "cloudwatch:putMetricData": _metrics,
    **{f"dynamodb:{_lower_first(name)}": _table(name) for name in _TABLE_OPERATIONS},
    **{f"ssm:{_lower_first(name)}": _parameter(name) for name in _PARAMETER_OPERATIONS},
}


def _require_grants(resource: str, arguments: Any) -> None:
    integration = resource.removeprefix("arn:aws:states:::").removeprefix("aws-sdk:")
    integration = integration.removesuffix(".waitForTaskToken")
    role_name = _role_arn.get().rsplit("/", 1)[-1]
    if integration not in _CALLS or not isinstance(arguments, dict):
        return
    for action, arn, context in _CALLS[integration](arguments):
        refused = refused_by_role(role_name, "execution", action, arn, context)
        if refused:
            cause = f"User: {refused} is not authorized to perform: {action} on resource: {arn}"
            log.warning("%s", cause)
            raise stepfunctions._ExecutionError("States.Permissions", cause)


def apply() -> None:
    """Know the machine's role while it runs, and ask before each call."""
    stock_run = stepfunctions._run_execution
    stock_invoke = stepfunctions._invoke_resource
    stock_callback = stepfunctions._invoke_with_callback

    def run_execution(execution_arn: str) -> Any:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        token = _role_arn.set(machine.get("roleArn", ""))
        machine_token = _machine_arn.set(machine.get("stateMachineArn", ""))
        try:
            return stock_run(execution_arn)
        finally:
            _role_arn.reset(token)
            _machine_arn.reset(machine_token)

    def invoke_resource(resource: str, arguments: Any) -> Any:
        _require_grants(resource, arguments)
        return stock_invoke(resource, arguments)

    def invoke_with_callback(resource: str, arguments: Any, token: str, state: Any) -> Any:
        _require_grants(resource, arguments)
        return stock_callback(resource, arguments, token, state)

    stepfunctions._run_execution = run_execution
    stepfunctions._invoke_resource = invoke_resource
    stepfunctions._invoke_with_callback = invoke_with_callback
