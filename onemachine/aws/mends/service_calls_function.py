"""Mends how a rule or a topic calls a function: its policy is asked, and the call is asynchronous.

EventBridge and SNS call a function as themselves, and its policy must let them, for the rule or the
topic that it names; a rule's event that is refused goes to the target's dead-letter queue. Nobody
waits for the answer, so Lambda tries again what failed and then hands it to the function's
destination. The emulator calls the function as nobody, once.
"""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, lambda_svc, sns

from onemachine.aws.mends import event_dead_letters
from onemachine.aws.mends.event_dead_letters import DeliveryError

log = logging.getLogger(__name__)


class _Delivering(threading.local):
    """The rule for which this thread is delivering: the checks of a target are not told it."""

    rule_arn = ""


def _refuses(function: dict[str, Any], arn: str, service: str, source_arn: str) -> bool:
    account = get_account_id()
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account},
    )
    decision = evaluate_resource_policy(function["policy"], context, service=service).decision
    return bool(decision != "Allow")


def _call(arn: str, event: dict[str, Any]) -> None:
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        log.error("function %s is not there, a call of it is lost", name)
        return
    record = lambda_svc._execution_record_for_config(function, config)
    lambda_svc.invoke_async_with_retry(record, event)


def apply() -> None:
    """Ask before a function is called, and call it as Lambda does where nobody waits."""
    delivering = _Delivering()
    stock = eventbridge._invoke_target

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        delivering.rule_arn = event_dead_letters.rule_arn(rule)
        stock(target, event, rule, view)

    def require_permission(target: dict[str, Any]) -> None:
        arn = str(target.get("Arn", ""))
        if ":function:" not in arn:
            return
        function, _config, _name = lambda_svc._get_func_record_for_ref(arn)
        rule_arn = delivering.rule_arn
        if function and _refuses(function, arn, "events.amazonaws.com", rule_arn):
            raise DeliveryError("NO_PERMISSIONS", f"{arn} may not be called for {rule_arn}")

    def from_topic(
        endpoint: str, envelope: str, topic_arn: str, subscription_arn: str, *_more: Any
    ) -> None:
        function, _config, name = lambda_svc._get_func_record_for_ref(endpoint)
        if function and _refuses(function, endpoint, "sns.amazonaws.com", topic_arn):
            log.error("topic %s may not call function %s, its message is lost", topic_arn, name)
            return
        record = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription_arn,
            "EventSource": "aws:sns",
            "Sns": json.loads(envelope),
        }
        _call(endpoint, {"Records": [record]})

    event_dead_letters.checks.append(require_permission)
    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_lambda = lambda arn, payload: _call(arn, json.loads(payload))
    sns._deliver_to_lambda = from_topic
