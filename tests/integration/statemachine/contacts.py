"""Three contacts, who hear one topic, and the machine that climbs from one to the next."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import ACCOUNT, Platform, incident
from tests.integration.statemachine.telling import escalation, id_of
from tests.support.waiting import eventually

#: Three seconds: long enough to take an incident before they are over.
_MINUTES = "0.05"
Event = dict[str, Any]


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Contacts:
    """Three of them, who hear one topic; and the machine that climbs from one to the next."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.first = Listener(platform)
        sns = platform.aws.client("sns")
        self.mail_of = {level: f"level-{level}-{self.first.address}" for level in (2, 3)}
        for level, address in self.mail_of.items():
            sns.subscribe(
                TopicArn=self.first.topic,
                Protocol="email",
                Endpoint=address,
                Attributes={"FilterPolicy": json.dumps({"level": [str(level)]})},
            )
        self.notifier = self.first.variant(PagerKind="webhook")
        self.climber = self.variant()
        for kind, name in (
            ("incident.climbed", "climbed"),
            ("incident.paged", "paged"),
            ("incident.acknowledged", "taken"),
        ):
            platform.events.put_rule(
                Name=f"{self.first.name}-{name}",
                EventBusName=self.first.name,
                EventPattern=json.dumps({"detail-type": [kind]}),
            )
        self.heard = self.first.queue("climbed", "events.amazonaws.com")
        self.pager = self.first.queue("paged", "events.amazonaws.com")
        self.taken = self.first.queue("taken", "events.amazonaws.com")
        self._target("taken", "queue", self.first.arn_of("taken"))
        self._target("climbed", "queue", self.first.arn_of("climbed"))
        self._target("climbed", "notifier", self.notifier)
        self._target("paged", "queue", self.first.arn_of("paged"))

    def _target(self, rule: str, name: str, arn: str) -> None:
        target = {"Id": name, "Arn": arn}
        if "stateMachine" in arn:
            target["RoleArn"] = f"arn:aws:iam::{ACCOUNT}:role/{self.platform.name}"
        self.platform.events.put_targets(
            Rule=f"{self.first.name}-{rule}", EventBusName=self.first.name, Targets=[target]
        )

    def variant(self, *, role: str = "", **changes: str) -> str:
        """Create the machine that climbs, with some substitutions changed."""
        own = {
            "EventBusName": self.first.name,
            "AcknowledgeMinutes": _MINUTES,
            "SecondContact": "second contact (e-mail)",
            "ThirdContact": "third contact (e-mail)",
            **changes,
        }
        return self.platform.variant("incident-climber", role=role, **own)

    def call(self, **changes: Any) -> Event:
        """An incident that needs a human from this moment on, with its record; told to nobody."""
        begun = incident(**changes)
        self.platform.run(begun, self.platform.recorder_variant)
        event = escalation(begun)
        event["detail"]["metadata"]["occurred_at"] = stamp(datetime.now(UTC))
        self.platform.set_record(
            event, status="escalated", escalated_at=event["detail"]["metadata"]["occurred_at"]
        )
        return event

    def levels(self, event: Event) -> list[int]:
        return [int(one["level"]) for one in self.climbed(event)]

    def climbed(self, event: Event) -> list[dict[str, Any]]:
        return list(self.platform.record(id_of(event)).get("climbed") or [])

    def mails(self, level: int) -> list[str]:
        """Subjects of the mails of one contact so far."""
        return [mail["subject"] for mail in self._mails(level)]

    def bodies(self, level: int) -> list[str]:
        """Texts of the mails of one contact so far."""
        return [mail["body"] for mail in self._mails(level)]

    def _mails(self, level: int) -> list[dict[str, Any]]:
        file = self.platform.aws.mail_file
        lines = file.read_text().splitlines() if file.exists() else []
        return [mail for mail in map(json.loads, lines) if mail["to"] == self.mail_of[level]]

    def told(self, level: int, count: int) -> list[str]:
        def enough() -> list[str] | None:
            found = self.mails(level)
            return found if len(found) >= count else None

        return eventually(f"{count} mails at level {level}", enough)

    def entered(self, execution: str) -> int:
        """How many states an execution entered, which is what AWS bills."""
        history = self.platform.history(execution)
        return sum(each["type"].endswith("StateEntered") for each in history)

    def pages(self) -> list[dict[str, Any]]:
        time.sleep(0.3)  # the bus delivers in the background
        return [one["detail"]["data"] for one in self.first.taken_from(self.pager)]

    def climbs(self, event: Event, execution: str) -> None:
        """Let it climb to its end."""
        assert self.platform.wait_ended(execution)["status"] == "SUCCEEDED", id_of(event)
