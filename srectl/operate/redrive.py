"""Bring back what could not be delivered, without doing anything twice.

The order matters more than the speed: ends of alerts go before their beginnings, so that a runbook
that starts late finds its incident over, and what began long ago is left to a human.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from srectl.operate import queues
from srectl.operate.account import Account
from srectl.operate.destinations import Destinations, NotDelivered
from srectl.operate.queues import Message

# Longer than all deliveries of one run take; then SQS offers what is left to others.
_HOLD_SECONDS = 900
# The rule gives up on a runbook after as long: repairing what was wrong an hour ago is no repair.
STALE_AFTER = datetime.timedelta(hours=1)
# What has to be in the records before a runbook looks at them.
_RANK = {
    "incident.resolved": 0,
    "action.completed": 1,
    "Step Functions Execution Status Change": 2,
    "incident.created": 3,
}


@dataclass(frozen=True)
class Left:
    """A message that stays in its queue, and why."""

    message: Message
    reason: str


@dataclass
class Outcome:
    """What became of the messages of one queue.

    Attributes
    ----------
    delivered
        Each accepted message and where it went.
    left
        Each message that stays, and why.
    undeleted
        Accepted, but still in the queue, because it could not be deleted.
    more
        Whether the run ended because of its maximum.
    """

    queue: str
    delivered: list[tuple[Message, str]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    undeleted: list[Message] = field(default_factory=list)
    more: bool = False


def redrive(
    account: Account,
    queue: str,
    maximum: int,
    now: datetime.datetime,
    include_old: bool = False,
) -> Outcome:
    """Deliver the messages of a queue to where they had been meant to go.

    A message is deleted only after it was accepted. A crash in between leaves it in the queue, and
    the next run delivers it again: recorder and runbook take every event twice without harm, a
    notification is heard twice.

    Parameters
    ----------
    queue
        Short name of the queue.
    maximum
        Number of messages at most.
    include_old
        Also what would start a runbook for an alert of more than an hour ago.

    Raises
    ------
    CommandFailed
        The queue cannot be read.
    """
    url = queues.url_of(account.sqs, queue, account.prefix)
    destinations = Destinations(account, now)
    outcome = Outcome(queue)
    messages = queues.take(account.sqs, url, maximum, _HOLD_SECONDS)
    outcome.more = len(messages) == maximum
    pending = sorted(messages, key=lambda message: (_rank(message), message.sent_at))
    unsettled = {message.message_id: message for message in pending}
    try:
        for message in pending:
            if not include_old and _is_stale(queue, message, now):
                reason = "its alert is more than an hour old, and this would start its runbook"
                outcome.left.append(Left(message, reason))
                continue
            try:
                where = destinations.deliver(queue, message)
            except NotDelivered as error:
                outcome.left.append(Left(message, str(error)))
                continue
            outcome.delivered.append((message, where))
            del unsettled[message.message_id]
            try:
                account.sqs.delete_message(QueueUrl=url, ReceiptHandle=message.receipt)
            except (BotoCoreError, ClientError):
                outcome.undeleted.append(message)
    finally:
        # Also after Ctrl-C: what was not delivered is there for the next one at once.
        queues.give_back(account.sqs, url, list(unsettled.values()))
    return outcome


def redrive_all(
    account: Account, maximum: int, now: datetime.datetime, include_old: bool = False
) -> Iterator[Outcome]:
    """Redrive every queue, records before runbooks; ``maximum`` holds for each.

    Raises
    ------
    CommandFailed
        A queue cannot be read.
    """
    for queue in ("recorder", "parked", "functions", "runbook", "notifications", "audit"):
        yield redrive(account, queue, maximum, now, include_old)


def _rank(message: Message) -> int:
    return _RANK.get(str(queues.describe(message)["kind"]), 4)


def _is_stale(queue: str, message: Message, now: datetime.datetime) -> bool:
    """Tell whether this would start a runbook, and too late.

    What has no readable time counts as old.
    """
    if queue == "functions":
        # The alerts in it come to be incidents anew, and start their runbooks.
        return now - message.sent_at > STALE_AFTER
    if queue not in ("runbook", "parked"):
        return False
    if queues.describe(message)["kind"] != "incident.created":
        return False
    try:
        body = message.decoded()
        detail = body["detail"] if "detail" in body else json.loads(body["Detail"])
        received_at = datetime.datetime.fromisoformat(detail["metadata"]["received_at"])
        return now - received_at > STALE_AFTER
    except (ValueError, TypeError, KeyError):
        return True
