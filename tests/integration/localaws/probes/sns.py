"""SNS: HTTP subscriptions as AWS has them."""

from __future__ import annotations

import json
import urllib.request

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
    HttpReceiver,
    deploy,
    eventually,
    http_receiver,
    make_queue,
    receive,
)


def _subscribe(aws: LocalAws, name: str, receiver: HttpReceiver) -> dict[str, str]:
    subscription = {
        "TopicArn": {"Ref": "Topic"},
        "Protocol": "http",
        "Endpoint": receiver.url,
    }
    return deploy(
        aws,
        name,
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
            "Subscription": {"Type": "AWS::SNS::Subscription", "Properties": subscription},
        },
    )


def _confirm(receiver: HttpReceiver) -> None:
    asked = eventually(
        lambda: receiver.of_type("SubscriptionConfirmation"), "the subscriber is asked", 5
    )
    with urllib.request.urlopen(asked[0]["SubscribeURL"]) as response:
        assert response.status == 200


@shows("sns_confirmation")
def a_subscription_from_cloudformation_is_confirmed(aws: LocalAws, name: str) -> None:
    """The subscriber is asked to confirm, and hears nothing before it has."""
    with http_receiver() as receiver:
        topic = _subscribe(aws, name, receiver)["Topic"]
        sns = aws.client("sns")
        eventually(
            lambda: receiver.of_type("SubscriptionConfirmation"), "the subscriber is asked", 5
        )
        sns.publish(TopicArn=topic, Message="too early")
        _confirm(receiver)
        sns.publish(TopicArn=topic, Message="now")

        heard = eventually(lambda: receiver.of_type("Notification"), "the subscriber hears")
        assert [message["Message"] for message in heard] == ["now"]
        listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert listed[0]["SubscriptionArn"].startswith("arn:")


@shows("sns_http_retries")
def a_subscriber_that_fails_is_tried_again(aws: LocalAws, name: str) -> None:
    """Failed deliveries are retried; what stays undeliverable goes to the redrive queue."""
    url, arn = make_queue(aws, name)
    policy = {
        "healthyRetryPolicy": {"numRetries": 2, "minDelayTarget": 1, "maxDelayTarget": 1},
    }
    with http_receiver(failures=2) as receiver:
        sns = aws.client("sns")
        topic = sns.create_topic(Name=name)["TopicArn"]
        sns.subscribe(
            TopicArn=topic,
            Protocol="http",
            Endpoint=receiver.url,
            Attributes={
                "DeliveryPolicy": json.dumps(policy),
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn}),
            },
        )
        _confirm(receiver)
        sns.publish(TopicArn=topic, Message="third time lucky")
        eventually(
            lambda: len(receiver.of_type("Notification")) == 3, "three deliveries are tried", 10
        )

        receiver.failures_left = 99
        sns.publish(TopicArn=topic, Message="nobody home")
        assert json.loads(receive(aws, url, 15)["Body"])["Message"] == "nobody home"
        assert len(receiver.of_type("Notification")) == 6


@shows("sns_email")
def an_email_is_what_the_protocol_is_given(aws: LocalAws, name: str) -> None:
    """An e-mail has the text meant for e-mail, and its subject."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    address = f"{name}@example.com"
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    sns.publish(
        TopicArn=topic,
        Subject="Disk full",
        MessageStructure="json",
        Message=json.dumps({"default": "{}", "email": "The disk is full."}),
    )
    lines = aws.mail_file.read_text().splitlines() if aws.mail_file.exists() else []
    mails = [mail for mail in map(json.loads, lines) if mail["to"] == address]
    assert [(mail["subject"], mail["body"]) for mail in mails] == [
        ("Disk full", "The disk is full.")
    ]


@shows("outbound_addresses")
def an_address_of_the_internet_stands_for_one_on_this_machine(aws: LocalAws, name: str) -> None:
    """A subscription to an https address is delivered where the file says, and nowhere else."""
    with http_receiver() as receiver:
        outside = f"https://{name}.invalid/integration"
        named = json.loads(aws.outbound_file.read_text()) if aws.outbound_file.exists() else {}
        aws.outbound_file.write_text(json.dumps({**named, outside: receiver.url}))
        sns = aws.client("sns")
        topic = sns.create_topic(Name=name)["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=outside)
        _confirm(receiver)
        sns.publish(TopicArn=topic, Message="hello")
        heard = eventually(lambda: receiver.of_type("Notification"), "the subscriber hears")
        assert [message["Message"] for message in heard] == ["hello"]
