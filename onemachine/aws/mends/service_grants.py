"""Mends what a service may do as itself: policies of topics and keys are asked.

A rule without a role publishes as ``events.amazonaws.com`` and an alarm as
``cloudwatch.amazonaws.com``, and the topic's policy must let them; into a topic or a queue that is
encrypted, the key's policy must let them use the key. EventBridge says nothing of where its call
to a topic comes from, so a statement with ``aws:SourceArn`` or ``aws:SourceAccount`` does not hold
for it; an alarm's does. To a queue EventBridge and SNS say it. The emulator publishes as nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, kms, sns, sqs

from onemachine.aws.mends import event_dead_letters

log = logging.getLogger(__name__)

_KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def _allows(document: Any, service: str, action: str, arn: str, source: Mapping[str, str]) -> bool:
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=arn,
        region=get_region(),
        service_context=dict(source),
    )
    return bool(evaluate_resource_policy(document, context, service=service).decision == "Allow")


def _source(arn: str) -> dict[str, str]:
    account = get_account_id()
    return {"aws:sourcearn": arn, "aws:sourceaccount": account, "aws:sourceowner": account}


def _key_refuses(key_id: str, service: str, source: Mapping[str, str]) -> str:
    """Say which use of a key is refused; '' where all of them are allowed, or there is no key."""
    if not key_id:
        return ""
    key = kms._resolve_key(key_id)
    if key is None:  # one of AWS's own, such as alias/aws/sns: no policy of ours lets a service in
        return f"{service} may not use {key_id}"
    for action in _KEY_ACTIONS:
        if not _allows(key.get("Policy") or "", service, action, key["Arn"], source):
            return f"the policy of {key['Arn']} does not let {service} perform {action}"
    return ""


def _topic_refuses(arn: str, service: str, source: Mapping[str, str]) -> str:
    topic = sns._topic_by_arn_any_scope(arn)
    if topic is None:
        return ""
    attributes = topic.get("attributes", {})
    if not _allows(attributes.get("Policy") or "", service, "sns:Publish", arn, source):
        return f"the policy of {arn} does not let {service} perform sns:Publish"
    return _key_refuses(str(attributes.get("KmsMasterKeyId") or ""), service, source)


def _require_rule_may_publish(target: dict[str, Any]) -> None:
    arn = str(target.get("Arn", ""))
    if not arn.startswith("arn:aws:sns:") or target.get("RoleArn"):  # event_target_role asks it
        return
    refusal = _topic_refuses(arn, "events.amazonaws.com", {})
    if refusal:
        raise event_dead_letters.DeliveryError("NO_PERMISSIONS", refusal)


def apply() -> None:
    """Ask before a rule or an alarm publishes, and before a service sends to a queue."""
    event_dead_letters.checks.append(_require_rule_may_publish)
    stock_alarm, stock_queue = cloudwatch._dispatch_alarm_actions, sqs.queue_policy_allows

    def alarm_actions(alarm: dict[str, Any], *more: Any) -> Any:
        source = _source(str(alarm.get("AlarmArn", "")))
        heard = dict(alarm)
        for field in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            kept = []
            for arn in alarm.get(field) or []:
                refusal = _topic_refuses(str(arn), "cloudwatch.amazonaws.com", source)
                if refusal:
                    log.error("alarm %s tells nobody: %s", alarm.get("AlarmName"), refusal)
                else:
                    kept.append(arn)
            heard[field] = kept
        return stock_alarm(heard, *more)

    def queue_allows(arn: str, service: str, source_arn: str, account: str) -> bool:
        if not stock_queue(arn, service, source_arn, account):
            return False
        queue = sqs._queue_by_arn(arn) or {"attributes": {}}
        key_id = str(queue["attributes"].get("KmsMasterKeyId") or "")
        refusal = _key_refuses(key_id, service, _source(source_arn))
        if refusal:
            log.error("nothing is sent to %s: %s", arn, refusal)
        return not refusal

    cloudwatch._dispatch_alarm_actions = alarm_actions
    sqs.queue_policy_allows = queue_allows
