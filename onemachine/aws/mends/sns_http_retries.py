"""Mends deliveries to HTTP subscribers that fail.

SNS retries a refused connection, a 5xx and a 429 as the subscription's delivery policy says (by
default three times, 20 s apart) and then puts the message into the subscription's redrive queue.
The emulator tries once and drops it. Of the policy, ``numRetries``, ``minDelayTarget``,
``maxDelayTarget`` and ``backoffFunction`` of ``healthyRetryPolicy`` are honoured.
"""

from __future__ import annotations

import asyncio
import json
import logging
import urllib.error
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import request_scope
from ministack.services import sns

log = logging.getLogger(__name__)

_DEFAULT_RETRIES = 3
_DEFAULT_DELAY_SECONDS = 20
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


def _json_attribute(subscription: dict[str, Any], name: str) -> dict[str, Any]:
    text = subscription["attributes"].get(name) or "{}"
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def delays(policy: dict[str, Any]) -> list[float]:
    """Return the waits before each retry, in seconds.

    Parameters
    ----------
    policy : dict
        A ``healthyRetryPolicy``; empty for the default one.
    """
    retries = int(policy.get("numRetries", _DEFAULT_RETRIES))
    shortest = float(policy.get("minDelayTarget", _DEFAULT_DELAY_SECONDS))
    longest = float(policy.get("maxDelayTarget", max(shortest, _DEFAULT_DELAY_SECONDS)))
    if policy.get("backoffFunction") in ("exponential", "geometric"):
        return [min(longest, shortest * 2**i) for i in range(retries)]
    if retries < 2:
        return [shortest] * retries
    return [shortest + (longest - shortest) * i / (retries - 1) for i in range(retries)]


def _subscription_for(endpoint: str, payload: str) -> dict[str, Any] | None:
    try:
        topic_arn = json.loads(payload).get("TopicArn")
    except (ValueError, AttributeError):
        topic_arn = None  # raw delivery: the message stands alone
    for topic in sns._topics.to_dict().values():
        if topic_arn in (None, topic["arn"]):
            for subscription in topic["subscriptions"]:
                if subscription["endpoint"] == endpoint and subscription["confirmed"]:
                    found: dict[str, Any] = subscription
                    return found
    return None


async def _delivered(endpoint: str, payload: str) -> tuple[bool, bool]:
    """Try once; return whether it was taken and whether trying again makes sense."""
    try:
        await asyncio.to_thread(sns._http_post_sync, endpoint, payload, "Notification")
    except urllib.error.HTTPError as error:
        log.warning("SNS delivery refused with %d", error.code)
        return False, error.code == _TOO_MANY_REQUESTS or error.code >= _SERVER_ERROR
    except OSError as error:
        log.warning("SNS delivery failed: %s", error)
        return False, True
    return True, False


def _redrive(subscription: dict[str, Any], payload: str) -> None:
    queue = _json_attribute(subscription, "RedrivePolicy").get("deadLetterTargetArn")
    if not queue:
        log.error("SNS message lost: %s has no redrive queue", subscription["arn"])
        return
    topic = parse_arn(subscription["topic_arn"])
    with request_scope(topic.account_id, topic.region):
        sns._deliver_to_sqs(queue, payload, False, "", topic_arn=subscription["topic_arn"])


async def deliver(endpoint: str, payload: str) -> None:
    """Deliver one message as the subscription's policies say."""
    subscription = _subscription_for(endpoint, payload)
    policy: dict[str, Any] = {}
    if subscription is not None:
        policy = _json_attribute(subscription, "DeliveryPolicy").get("healthyRetryPolicy") or {}
    for delay in [*delays(policy), None]:
        taken, again = await _delivered(endpoint, payload)
        if taken:
            return
        if not again or delay is None:
            break
        await asyncio.sleep(delay)
    if subscription is not None:
        _redrive(subscription, payload)


def apply() -> None:
    """Replace the single try."""
    sns._deliver_to_http = deliver
