"""A queue that subscribes to the stack's topic, read by whoever wants to know what has come."""

from __future__ import annotations

import json
import threading

from onemachine.aws.local_aws import LocalAws

_QUEUE = "alarm-tests"
#: An answer that was lost on its way is given anew after so many seconds.
_VISIBILITY_SECONDS = 60


class Subscriber:
    """Hears what the topic tells.

    Nothing reads in the background, where an error would end the reading and leave every test
    that waits for a message without one, and every test that waits for none content.

    Parameters
    ----------
    aws : LocalAws
        Where the topic is.
    topic : str
        Its ARN.
    """

    def __init__(self, aws: LocalAws, topic: str) -> None:
        self._sqs = aws.client("sqs")
        grant = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
        service = {"Principal": {"Service": "sns.amazonaws.com"}}
        policy = {"Version": "2012-10-17", "Statement": [{**grant, **service}]}
        self._url: str = self._sqs.create_queue(
            QueueName=_QUEUE,
            Attributes={
                "Policy": json.dumps(policy),
                "VisibilityTimeout": str(_VISIBILITY_SECONDS),
            },
        )["QueueUrl"]
        aws.client("sns").subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{aws.region}:{aws.account_id}:{_QUEUE}",
        )
        self._messages: dict[str, tuple[int, str]] = {}
        self._reading = threading.Lock()

    def heard(self) -> list[str]:
        """Return what has come so far, as SNS wraps it, in the order in which it was sent.

        Messages stay in the queue, so that none is lost with an answer that did not arrive.
        """
        with self._reading:
            while self._read():
                pass
            return [message for _sent, message in sorted(self._messages.values(), key=_sent)]

    def _read(self) -> bool:
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, AttributeNames=["SentTimestamp"]
        )
        for message in answer.get("Messages", []):
            sent = int(message["Attributes"]["SentTimestamp"])
            self._messages.setdefault(message["MessageId"], (sent, message["Body"]))
        return "Messages" in answer


def _sent(message: tuple[int, str]) -> int:
    return message[0]
