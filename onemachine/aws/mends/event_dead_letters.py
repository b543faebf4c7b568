"""Mends the dead-letter queues of rule targets.

EventBridge sends an event that it cannot deliver to the target's queue, with the reason in message
attributes. The emulator stores the setting and drops the event with a warning. Failures that AWS
would retry (throttling, a service that is down) do not happen inside the emulator; those it knows,
a missing target and a refused call, are permanent and go to the queue without a retry on AWS too.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, sns, sqs, stepfunctions

from onemachine.aws.mends.event_log_target import log_group_name

log = logging.getLogger(__name__)


class DeliveryError(Exception):
    """A target did not take an event; ``code`` is EventBridge's ERROR_CODE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _require_target(target: dict[str, Any]) -> None:
    """Raise where a target is missing that the stock dispatcher would only warn about."""
    arn = target.get("Arn", "")
    try:
        service = parse_arn(arn).service
    except ArnParseError as error:
        raise DeliveryError("INVALID_PARAMETER", f"target {arn} is no ARN") from error
    group = log_group_name(arn)
    exists = {
        "states": lambda: stepfunctions._resolve_state_machine_arn(arn) is not None,
        "lambda": lambda: lambda_svc._get_func_record_for_ref(arn)[0] is not None,
        "sns": lambda: sns._topic_by_arn_any_scope(arn) is not None,
        "sqs": lambda: sqs._queue_by_arn(arn) is not None,
        "logs": lambda: group in cloudwatch_logs._log_groups,
    }
    if service in exists and not exists[service]():
        raise DeliveryError("RESOURCE_NOT_FOUND", f"target {arn} does not exist")


#: Asked before a delivery; one that raises DeliveryError keeps the event from its target.
checks: list[Callable[[dict[str, Any]], None]] = [_require_target]


def _dispatch_to_sns(arn: str, payload: str) -> None:
    try:
        sns.publish_internal(arn, payload)
    except sns.SnsPublishError as error:
        raise DeliveryError("NO_PERMISSIONS", f"{arn} refused the message: {error}") from error


def _dispatch_to_stepfunctions(arn: str, payload: str) -> None:
    status, _headers, body = stepfunctions._start_execution(
        {"stateMachineArn": arn, "input": payload}
    )
    if status >= 400:
        text = body.decode() if isinstance(body, bytes) else str(body)
        raise DeliveryError("SDK_CLIENT_ERROR", f"{arn} refused the execution: {text}")


def rule_arn(rule: dict[str, Any]) -> str:
    bus = rule.get("EventBusName", "default")
    name = rule["Name"] if bus == "default" else f"{bus}/{rule['Name']}"
    return f"arn:aws:events:{get_region()}:{get_account_id()}:rule/{name}"


def lost(rule: dict[str, Any], queue_arn: str, why: str) -> None:
    """Say that an event is nowhere: its target did not take it, nor did the target's queue."""
    log.error("event of rule %s lost, %s %s", rule_arn(rule), queue_arn, why)


class _Refused(threading.local):
    """Why the target that this thread is delivering to did not take the event."""

    error: DeliveryError | None = None


def _keep(target: dict[str, Any], event: Any, rule: dict[str, Any], error: DeliveryError) -> None:
    queue_arn = (target.get("DeadLetterConfig") or {}).get("Arn", "")
    queue = sqs._queue_by_arn(queue_arn) if queue_arn else None
    arn_of_rule = rule_arn(rule)
    if not queue_arn:
        log.error("event of rule %s lost, it has no dead-letter queue: %s", arn_of_rule, error)
        return
    if queue is None:
        lost(rule, queue_arn, f"does not exist: {error}")
        return
    if not sqs.queue_policy_allows(
        queue_arn, "events.amazonaws.com", arn_of_rule, get_account_id()
    ):
        lost(rule, queue_arn, f"refuses it: {error}")
        return
    attributes = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in {
            "RULE_ARN": arn_of_rule,
            "TARGET_ARN": target.get("Arn", ""),
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error),
            "EXHAUSTED_RETRY_CONDITION": "NonRetryableError",
            "RETRY_ATTEMPTS": "0",
        }.items()
    }
    body = json.dumps(eventbridge._pattern_event_view(event).event_with_detail())
    now = time.time()
    message = {
        "id": new_uuid(),
        "body": body,
        "md5": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "message_attributes": attributes,
        "md5_attrs": sqs._md5_msg_attrs(attributes),
        "receipt_handle": None,
        "sent_at": now,
        "visible_at": now,
        "receive_count": 0,
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
    log.warning("event of rule %s kept in %s: %s", arn_of_rule, queue_arn, error)


def apply() -> None:
    """Let refused deliveries be seen, and keep their events."""
    stock = eventbridge._invoke_target
    refused = _Refused()

    def reporting(dispatch: Callable[[str, str], None]) -> Callable[[str, str], None]:
        """Remember a refusal, because the stock dispatcher swallows exceptions."""

        def report(arn: str, payload: str) -> None:
            try:
                dispatch(arn, payload)
            except DeliveryError as error:
                refused.error = error

        return report

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        refused.error = None
        try:
            for check in checks:
                check(target)
            stock(target, event, rule, view)
        except DeliveryError as error:
            refused.error = error
        except ValueError as error:
            refused.error = DeliveryError("SDK_CLIENT_ERROR", str(error))
        error_found, refused.error = refused.error, None
        if error_found is not None:
            _keep(target, event, rule, error_found)

    eventbridge._dispatch_to_sns = reporting(_dispatch_to_sns)
    eventbridge._dispatch_to_stepfunctions = reporting(_dispatch_to_stepfunctions)

    eventbridge._invoke_target = invoke_target
