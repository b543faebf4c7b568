"""SQS: rights as AWS has them."""

from __future__ import annotations

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import invoke, make_function, make_queue, receive

SENDER = """
import boto3

def handler(event, context):
    boto3.client("sqs").send_message_batch(
        QueueUrl=event, Entries=[{"Id": "1", "MessageBody": "parked"}]
    )
"""


@shows("queue_batch_action")
def a_batch_takes_the_right_to_send_a_message(aws: LocalAws, name: str) -> None:
    """A function that may sqs:SendMessage may send a batch; one that may not is refused."""
    url, arn = make_queue(aws, name)
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    grant = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
    other = {**grant, "Resource": f"{arn}-other"}
    make_function(aws, f"{name}-may", SENDER, [grant])
    make_function(aws, f"{name}-not", SENDER, [other])

    assert invoke(aws, f"{name}-not", url)[0] is not None
    assert invoke(aws, f"{name}-may", url)[0] is None
    assert receive(aws, url)["Body"] == "parked"
