"""Mends the ``AWS/Events`` metrics of rules.

EventBridge counts each rule's deliveries and which of them failed; for a rule on a custom bus the
metric has the dimensions ``EventBusName`` and ``RuleName``, on the default bus ``RuleName`` alone.
What a dead-letter queue did not take either is counted, too (``InvocationsFailedToBeSentToDlq``).
The emulator counts nothing. Nothing is ever retried here (see ``event_dead_letters``), so
``RetryInvocationAttempts`` has no data, as on AWS while all is well.
"""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch, eventbridge

from onemachine.aws.mends import event_dead_letters


def _count(rule: dict[str, Any], metric: str) -> None:
    if ":rule/" not in rule.get("Arn", ""):
        return  # a schedule of EventBridge Scheduler comes along here, too
    dimensions = {"RuleName": rule["Name"]}
    bus = rule.get("EventBusName", "default")
    if bus != "default":
        dimensions["EventBusName"] = bus
    cloudwatch.record_metric("AWS/Events", metric, 1, "Count", dimensions)


def apply() -> None:
    """Count each delivery, and each that the dead-letter mend finds to have failed."""
    stock_invoke = eventbridge._invoke_target
    stock_keep = event_dead_letters._keep
    stock_lost = event_dead_letters.lost

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        _count(rule, "InvocationAttempts")
        _count(rule, "Invocations")
        return stock_invoke(target, event, rule, view)

    def keep(target: Any, event: Any, rule: Any, error: Any) -> None:
        _count(rule, "FailedInvocations")
        stock_keep(target, event, rule, error)

    def lost(rule: dict[str, Any], queue_arn: str, why: str) -> None:
        _count(rule, "InvocationsFailedToBeSentToDlq")
        stock_lost(rule, queue_arn, why)

    event_dead_letters.lost = lost
    eventbridge._invoke_target = invoke_target
    event_dead_letters._keep = keep
