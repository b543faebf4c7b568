"""What has come into a queue, of which one call shows ten messages at the most."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def take_all(sqs: SQSClient, url: str) -> list[str]:
    """Take every message out of a queue.

    Parameters
    ----------
    sqs : SQSClient
        Of the account that has the queue.
    url : str
        The queue's address.

    Returns
    -------
    list of str
        The bodies, in the order in which they were received.
    """
    bodies = []
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in got:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies
