"""The queues of what could not be delivered: how full they are, and what is in them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from srectl.errors import CommandFailed
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUES = {
    "parked": "sre-parked-events",
    "recorder": "sre-dlq-recorder",
    "runbook": "sre-dlq-runbook",
    "notifications": "sre-dlq-notifications",
    "audit": "sre-dlq-audit",
    "functions": "sre-dlq-functions",
}
CONTENT = {
    "parked": "events that the bus refused",
    "recorder": "events that are not in the incident's record",
    "runbook": "alerts whose runbook did not start",
    "notifications": "messages that somebody was not told",
    "audit": "events that are not in the audit log",
    "functions": "calls of a function that failed unheard, alarms and notices of AWS",
}
_BATCH = 10
# Long polling asks all servers of SQS; without it a short queue may look empty.
WAIT_SECONDS = 1


@dataclass(frozen=True)
class Depth:
    """How many messages a queue holds.

    Attributes
    ----------
    waiting
        Messages that can be received (an approximate number, as SQS counts).
    in_flight
        Messages that somebody has received and neither deleted nor given back.
    """

    queue: str
    name: str
    waiting: int
    in_flight: int


@dataclass(frozen=True)
class Message:
    """One undelivered message.

    Attributes
    ----------
    sent_at
        When it came into the queue.
    attributes
        Message attributes; EventBridge says here why it gave up (ERROR_CODE, TARGET_ARN, RULE_ARN).
    """

    message_id: str
    receipt: str
    body: str
    sent_at: datetime.datetime
    attributes: dict[str, str]

    def decoded(self) -> Any:
        """Decode the body.

        Raises
        ------
        ValueError
            It is not JSON.
        """
        return json.loads(self.body)


def queue_of(name: str, prefix: str) -> str:
    """Give the short name of a queue from its short or its full name, with or without the prefix.

    Raises
    ------
    CommandFailed
        There is no such queue.
    """
    for short, full in QUEUES.items():
        if name in (short, full, f"{prefix}{full}"):
            return short
    raise CommandFailed(
        f"there is no queue {name!r}",
        "queues are " + ", ".join(f"{short} ({full})" for short, full in QUEUES.items()),
    )


def url_of(client: SQSClient, queue: str, prefix: str) -> str:
    """Give the address of a queue by its short name.

    Raises
    ------
    CommandFailed
        The queue is not there, or may not be used.
    """
    name = prefix + QUEUES[queue]
    with calling(f"queue {name} could not be found"):
        return client.get_queue_url(QueueName=name)["QueueUrl"]


def depth(client: SQSClient, queue: str, prefix: str) -> Depth:
    """Tell how full a queue is.

    Raises
    ------
    CommandFailed
        The queue cannot be read.
    """
    url = url_of(client, queue, prefix)
    with calling(f"queue {prefix}{QUEUES[queue]} could not be read"):
        attributes = client.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
    return Depth(
        queue,
        prefix + QUEUES[queue],
        int(attributes["ApproximateNumberOfMessages"]),
        int(attributes["ApproximateNumberOfMessagesNotVisible"]),
    )


def take(client: SQSClient, url: str, maximum: int, hold_seconds: int) -> list[Message]:
    """Receive messages until the queue gives no more.

    Everything is taken before anything is done with it: what comes back to the queue meanwhile is
    not taken a second time.

    Parameters
    ----------
    client
        SQS client.
    url
        Address of the queue.
    maximum
        Number of messages at most.
    hold_seconds
        How long nobody else receives them.

    Raises
    ------
    CommandFailed
        The queue cannot be read.
    """
    taken: dict[str, Message] = {}
    with calling(f"queue {url} could not be read"):
        while len(taken) < maximum:
            answer = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(_BATCH, maximum - len(taken)),
                VisibilityTimeout=hold_seconds,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            new = [one for one in answer if one["MessageId"] not in taken]
            for one in new:
                taken[one["MessageId"]] = Message(
                    one["MessageId"],
                    one["ReceiptHandle"],
                    one["Body"],
                    datetime.datetime.fromtimestamp(
                        int(one["Attributes"]["SentTimestamp"]) / 1000, datetime.UTC
                    ),
                    {
                        name: value["StringValue"]
                        for name, value in one.get("MessageAttributes", {}).items()
                        if "StringValue" in value
                    },
                )
            if not new:
                break
    return list(taken.values())


def give_back(client: SQSClient, url: str, messages: Sequence[Message]) -> None:
    """Let others receive messages again at once; without this they wait for the hold to end."""
    for message in messages:
        with suppress(BotoCoreError, ClientError):
            client.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message.receipt, VisibilityTimeout=0
            )


def peek(client: SQSClient, queue: str, prefix: str, maximum: int) -> list[Message]:
    """Read messages and leave them where they are.

    Raises
    ------
    CommandFailed
        The queue cannot be read.
    """
    url = url_of(client, queue, prefix)
    messages = take(client, url, maximum, hold_seconds=30)
    give_back(client, url, messages)
    return messages


def describe(message: Message) -> dict[str, Any]:
    """Say what a message is about, whatever form it has."""
    try:
        body = message.decoded()
    except ValueError:
        body = {}
    if isinstance(body, list) and body:
        body = body[0]  # entries that were refused together, the first of which says what it is
    if not isinstance(body, dict):
        body = {}
    kind = (
        body.get("detail-type") or body.get("DetailType") or body.get("event") or body.get("Type")
    )
    call = called(body)
    detail = body.get("detail") or body.get("Detail")
    if isinstance(detail, str):
        try:
            detail = json.loads(detail)
        except ValueError:
            detail = {}
    data = detail.get("data") if isinstance(detail, dict) else None
    about = data if isinstance(data, dict) else body
    answer = body.get("responsePayload")
    failure = answer if call and isinstance(answer, dict) else {}
    return {
        "message_id": message.message_id,
        "sent_at": message.sent_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kind": f"call of {call}" if call else kind,
        "incident_id": about.get("incident_id"),
        "alert_name": about.get("alert_name"),
        "error": message.attributes.get("ERROR_CODE") or failure.get("errorType"),
        "error_message": message.attributes.get("ERROR_MESSAGE") or failure.get("errorMessage"),
        "target_arn": message.attributes.get("TARGET_ARN"),
        "rule_arn": message.attributes.get("RULE_ARN"),
    }


def called(body: Mapping[str, Any]) -> str:
    """Give the name of the function that a failed call was of; empty where it is no such record."""
    context = body.get("requestContext")
    arn = context.get("functionArn") if isinstance(context, dict) else None
    if not isinstance(arn, str) or ":function:" not in arn:
        return ""
    return arn.split(":function:", 1)[1].split(":")[0]
