"""Mends HTTP subscriptions that a template makes.

SNS asks the subscriber to confirm before it delivers anything. The emulator asks where the
Subscribe API was called, but a subscription made by CloudFormation stays unconfirmed for ever and
silent.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import sns
from ministack.services.cloudformation import provisioners


def _ask(topic_arn: str, subscription: dict[str, Any]) -> None:
    subscription["token"] = new_uuid()
    subscription["attributes"].update(
        SubscriptionArn=subscription["arn"],
        TopicArn=topic_arn,
        Protocol=subscription["protocol"],
        Endpoint=subscription["endpoint"],
        Owner=subscription["owner"],
        PendingConfirmation="true",
        ConfirmationWasAuthenticated="false",
    )
    # The account and region of the request travel in context variables.
    context = contextvars.copy_context()

    def send() -> None:
        context.run(asyncio.run, sns._send_subscription_confirmation(topic_arn, subscription))

    threading.Thread(target=send, daemon=True, name="sns-confirmation").start()


def apply() -> None:
    """Ask after the resource is made."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::SNS::Subscription"]
    stock_create = handler["create"]

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        made = stock_create(logical_id, properties, stack)
        topic_arn = properties.get("TopicArn", "")
        if topic_arn in sns._topics:
            subscription = sns._find_subscription(topic_arn, made[0])
            if subscription is not None and not subscription["confirmed"]:
                _ask(topic_arn, subscription)
        return made

    provisioners._RESOURCE_HANDLERS["AWS::SNS::Subscription"] = {**handler, "create": create}
