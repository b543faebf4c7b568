"""Who hears the notifier and the digest: machines, people by mail, and chat."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from tests.integration.statemachine.platform import ACCOUNT, REGION, Platform
from tests.support.queues import take_all

#: Windows that no test outlives, unless it runs at midnight on a certain day of the year.
WINDOW_SECONDS = 365 * 86400


class Listener:
    """Hears what one topic and one bus say."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.name = f"{platform.name}-{uuid.uuid4().hex[:6]}"
        sns = platform.aws.client("sns")
        self.topic = sns.create_topic(Name=self.name)["TopicArn"]
        platform.events.create_event_bus(Name=self.name)
        # A table of its own, so that no other test counts towards its flood.
        self.guard = f"{self.name}-guard"
        platform.ddb.create_table(
            TableName=self.guard,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "guard_key", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "guard_key", "KeyType": "HASH"}],
        )
        self.machine = self.queue("machine", "sns.amazonaws.com")
        self.chat = self.queue("chat", "events.amazonaws.com")
        self.address = f"{self.name}@example.com"
        sns.subscribe(TopicArn=self.topic, Protocol="email", Endpoint=self.address)
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=self.arn_of("machine"))
        platform.events.put_rule(
            Name=self.name,
            EventBusName=self.name,
            EventPattern=json.dumps({"detail-type": ["incident.notified"]}),
        )
        platform.events.put_targets(
            Rule=self.name,
            EventBusName=self.name,
            Targets=[{"Id": "chat", "Arn": self.arn_of("chat")}],
        )
        self.dead = self.queue("dead", "sqs.amazonaws.com")
        self.digests = platform.sfn.create_state_machine(
            name=f"{self.name}-digest",
            definition=json.dumps(
                {
                    "StartAt": "Wait",
                    "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}},
                }
            ),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/{platform.name}",
        )["stateMachineArn"]
        self.notifier = self.variant()

    def variant(self, kind: str = "incident-notifier", *, role: str = "", **changes: str) -> str:
        """Create a machine that speaks to these listeners, with some substitutions changed."""
        substitutions = {
            "GuardTable": self.guard,
            "TopicArn": self.topic,
            "EventBusName": self.name,
            "NotificationDeadLetterQueueUrl": self.dead,
            "DigestArn": self.digests,
            "FloodWindowSeconds": str(WINDOW_SECONDS),
            **changes,
        }
        return self.platform.variant(kind, role=role, **substitutions)

    def arn_of(self, suffix: str) -> str:
        """Give the ARN of one of its queues."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}-{suffix}"

    def queue(self, suffix: str, service: str) -> str:
        """Make a queue that a service may send to; gives its address."""
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": self.arn_of(suffix),
        }
        url = self.platform.sqs.create_queue(
            QueueName=f"{self.name}-{suffix}",
            Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})},
        )["QueueUrl"]
        return str(url)

    def hear(self, kind: str) -> str:
        """Have the events of a kind put into a queue of their own; gives its address."""
        rule, name = f"{self.name}-{kind}", kind.replace(".", "-")
        events = self.platform.events
        pattern = json.dumps({"detail-type": [kind]})
        events.put_rule(Name=rule, EventBusName=self.name, EventPattern=pattern)
        url = self.queue(name, "events.amazonaws.com")
        target = {"Id": name, "Arn": self.arn_of(name)}
        events.put_targets(Rule=rule, EventBusName=self.name, Targets=[target])
        return url

    def taken_from(self, url: str) -> list[dict[str, Any]]:
        """Take all that is in a queue."""
        return [json.loads(body) for body in take_all(self.platform.sqs, url)]

    def tell(self, event: dict[str, Any], notifier: str = "") -> dict[str, Any]:
        """Run the notifier with an event and wait for its end."""
        return self.platform.run(event, notifier or self.notifier)

    def messages(self) -> list[dict[str, Any]]:
        """Take what a machine was told (SNS' envelopes)."""
        return self.taken_from(self.machine)

    def chat_events(self) -> list[dict[str, Any]]:
        """Take the events that are meant for chat."""
        time.sleep(0.3)  # the bus delivers in the background
        return self.taken_from(self.chat)

    def chats(self) -> list[dict[str, Any]]:
        """Take the data of what chat was told."""
        return [event["detail"]["data"] for event in self.chat_events()]

    def mails(self) -> list[dict[str, Any]]:
        """Give every mail so far."""
        file = self.platform.aws.mail_file
        lines = file.read_text().splitlines() if file.exists() else []
        return [mail for mail in map(json.loads, lines) if mail["to"] == self.address]

    def parked(self) -> list[dict[str, Any]]:
        """Take what could not be said."""
        return self.taken_from(self.dead)

    def running_digests(self) -> list[str]:
        """Give the names of the digests that were started."""
        executions = self.platform.sfn.list_executions(stateMachineArn=self.digests)
        return [execution["name"] for execution in executions["executions"]]

    @classmethod
    def of(cls, platform: Platform) -> Iterator[Listener]:
        """Give listeners of a test's own; digests that it started end with it."""
        heard = cls(platform)
        yield heard
        executions = platform.sfn.list_executions(stateMachineArn=heard.digests)["executions"]
        for execution in executions:
            if execution["status"] == "RUNNING":
                platform.sfn.stop_execution(executionArn=execution["executionArn"])
