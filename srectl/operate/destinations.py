"""Where an undelivered message had been meant to go, and how it gets there: there and nowhere else.

An event that only the recorder missed must not go over the bus again, which would start runbooks
and wake people a second time. Each destination takes one message or says why not.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from srectl.operate.account import Account
from srectl.operate.queues import Message, called

_ANNOUNCED = frozenset(
    {
        "incident.created",
        "incident.resolved",
        "incident.escalated",
        "incident.climbed",
        "incident.acknowledged",
        "incident.released",
        "incident.closed",
        "incident.undo-asked",
        "Step Functions Execution Status Change",
        "CloudWatch Alarm State Change",
    }
)
#: What incident-climber is started with.
_WAITED_WITH = frozenset(
    {"incident.escalated", "incident.released", "incident.page-held", "PagerDuty Webhook"}
)
_RECORDED = frozenset(
    {
        "incident.created",
        "incident.resolved",
        "incident.investigated",
        "action.completed",
        "Step Functions Execution Status Change",
    }
)
#: Services of AWS whose events the platform's rules listen to.
_OF_AWS = frozenset({"aws.states", "aws.cloudwatch"})
#: Services of AWS whose events alert-ingest takes.
_TOLD_BY_AWS = frozenset({"aws.cloudwatch", "aws.health"})
#: How the ARN of the investigator's destination ends before the id that AWS appends.
_INVESTIGATOR = "sre-investigator/"
#: What the schedule of the morning digest starts it with.
_MORNING = "morning-digest.due"
_REDRIVEN = "redriven"
_ACCEPTED = 202
# A message attribute's value is a text, and SNS takes only some attribute types.
_ATTRIBUTES = ("event", "severity")


class NotDelivered(Exception):
    """The message stays where it is; the text says why."""


@dataclass(frozen=True)
class Destinations:
    """Delivers the messages of each queue.

    Parameters
    ----------
    account
        The deployment.
    now
        Time of the redrive.
    """

    account: Account
    now: datetime.datetime

    def deliver(self, queue: str, message: Message) -> str:
        """Deliver one message.

        Parameters
        ----------
        queue
            Short name of the queue it is from.

        Returns
        -------
        str
            Where it was taken.

        Raises
        ------
        NotDelivered
            It is nothing that belongs there, or it was not accepted.
        """
        ways: dict[str, Callable[[Message], str]] = {
            "parked": self._to_bus,
            "recorder": self._to_recorder,
            "runbook": self._to_runbook,
            "notifications": self._to_people,
            "audit": self._to_audit_log,
            "functions": self._to_function,
        }
        try:
            return ways[queue](message)
        except (ClientError, BotoCoreError) as error:
            raise NotDelivered(f"not accepted: {error}") from error

    def _to_bus(self, message: Message) -> str:
        wanted = ("EventBusName", "Source", "DetailType", "Detail")
        entries = [_entry(each, self.account.bus) for each in parked(message)]
        for entry in entries:
            if not all(isinstance(entry.get(key), str) for key in wanted):
                raise NotDelivered("it is no entry for PutEvents")
            if entry["EventBusName"] not in (self.account.bus, self.account.bus_arn):
                raise NotDelivered(f"it is for another bus: {entry['EventBusName']}")
        return self._put(*({key: str(entry[key]) for key in wanted} for entry in entries))

    def _put(self, *entries: dict[str, str]) -> str:
        ours = [{**entry, "EventBusName": self.account.bus} for entry in entries]
        answer = self.account.events.put_events(Entries=ours)  # type: ignore[arg-type]
        for failed in answer["Entries"]:
            if failed.get("ErrorCode"):
                raise NotDelivered(f"the bus refused it: {failed['ErrorCode']}")
        return f"bus {self.account.bus}"

    def _to_recorder(self, message: Message) -> str:
        event = _event(message, self.account.recorder_arn)
        if event["detail-type"] not in _RECORDED:
            raise NotDelivered(f"the recorder does not know {event['detail-type']}")
        self.account.states.start_execution(
            stateMachineArn=self.account.recorder_arn, input=message.body
        )
        return "incident-recorder"

    def _to_runbook(self, message: Message) -> str:
        event = _event(message, self.account.runbook_arn)
        if event["detail-type"] != "incident.created":
            raise NotDelivered(f"no runbook starts with {event['detail-type']}")
        # One name for one event: a second start of it, by whomever, is none. That two different
        # events of one incident act once is the work of the runbook's own claim.
        digest = hashlib.sha256(message.body.encode()).hexdigest()[:40]
        states = self.account.states
        try:
            states.start_execution(
                stateMachineArn=self.account.runbook_arn,
                name=f"redriven-{digest}",
                input=message.body,
            )
        except states.exceptions.ExecutionAlreadyExists:
            return "incident-response-runbook (had been started before)"
        return "incident-response-runbook"

    def _to_people(self, message: Message) -> str:
        body = _mapping(message)
        kind = body.get("detail-type")
        if _INVESTIGATOR in message.attributes.get("TARGET_ARN", ""):
            raise NotDelivered(
                "the investigator did not take it, and people know of it: ask the investigator "
                "yourself if it still matters, then delete this message"
            )
        if message.attributes.get("TARGET_ARN") == self.account.climber_arn:
            if kind not in _WAITED_WITH:
                raise NotDelivered(f"nobody waits with {kind}")
            self.account.states.start_execution(
                stateMachineArn=self.account.climber_arn, input=message.body
            )
            return "incident-climber"
        if kind in _ANNOUNCED:
            _refuse_what_only_aws_may_say(message, body)
            _event(message, self.account.notifier_arn, self.account.topic_arn)
            self.account.states.start_execution(
                stateMachineArn=self.account.notifier_arn, input=message.body
            )
            return "incident-notifier"
        if kind in ("incident.notified", "incident.paged"):
            # Only chat or the pager, and the audit log, listen to it.
            return self._put(_entry(_event(message), self.account.bus))
        if body.get("event") == _MORNING:
            # It knows for which hours it was due, and reads how things stand now.
            self.account.states.start_execution(
                stateMachineArn=self.account.morning_digest_arn, input=message.body
            )
            return "morning-digest"
        self._to_topic(message, body)
        return "sre-incident-notifications"

    def _to_topic(self, message: Message, body: dict[str, Any]) -> None:
        if body.get("message_structure") == "json" and isinstance(body.get("message"), str):
            # What the notifier or a digest could not publish, whole.
            self._publish(body["message"], body.get("subject"), body, structured=True)
            return
        if "detail-type" in body:
            raise NotDelivered(f"nobody is told of {body['detail-type']}")
        if body.get("Type") == "Notification" and isinstance(body.get("Message"), str):
            if body.get("TopicArn") not in (None, self.account.topic_arn):
                raise NotDelivered(f"it is of another topic: {body['TopicArn']}")
            text, subject = body["Message"], body.get("Subject")
        elif isinstance(body.get("event"), str):
            text = message.body
            subject = f"Undelivered until now: {body['event']}"
        else:
            raise NotDelivered("it is neither an event nor a notification")
        try:
            content = json.loads(text)
        except ValueError:
            content = {}
        if not isinstance(content, dict) or not isinstance(content.get("message"), str):
            self._publish(text, subject, {}, structured=False)
            return
        # Who reads mail gets the sentence, not the JSON around it.
        forms = {"default": text, "email": content["message"], "severity": content.get("severity")}
        self._publish(json.dumps(forms), subject, content, structured=True)

    def _publish(
        self, text: str, subject: object, content: dict[str, Any], *, structured: bool
    ) -> None:
        attributes = {
            name: content[name] for name in _ATTRIBUTES if isinstance(content.get(name), str)
        }
        printable = re.sub(r"[^ -~]", "?", str(subject or ""))[:99].strip()
        more: dict[str, Any] = {"Subject": printable} if printable else {}
        if structured:
            more["MessageStructure"] = "json"
        self.account.sns.publish(
            TopicArn=self.account.topic_arn,
            Message=text,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
                if value
            },
            **more,
        )

    def _to_audit_log(self, message: Message) -> str:
        event = _event(message)
        group, stream = self.account.audit_log_group, f"{_REDRIVEN}-{self.now:%Y-%m-%d}"
        target = message.attributes.get("TARGET_ARN", "")
        if target and not target.removesuffix(":*").endswith(f":log-group:{group}"):
            raise NotDelivered(f"it is for another target: {target}")
        logs = self.account.logs
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        at = message.sent_at
        with suppress(ValueError):
            at = datetime.datetime.fromisoformat(str(event.get("time")))
        answer = logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": int(at.timestamp() * 1000), "message": message.body}],
        )
        if answer.get("rejectedLogEventsInfo"):
            raise NotDelivered(f"the log refused it: {answer['rejectedLogEventsInfo']}")
        return f"log group {group}"

    def _to_function(self, message: Message) -> str:
        body = _mapping(message)
        function = called(body)
        payload = body.get("requestPayload")
        undelivered = self._not_called_with(message, body)
        if undelivered is not None:
            function, payload = self.account.ingest_function, undelivered
        if function == self.account.action_function:
            raise NotDelivered(
                "a step is not carried out without its runbook: see to its incident, then delete "
                "this message"
            )
        if function != self.account.ingest_function:
            raise NotDelivered("it is no failed call of a function of this deployment")
        # With an answer this time, which says whether the alerts were taken in.
        answer = self.account.functions.invoke(FunctionName=function, Payload=json.dumps(payload))
        if "FunctionError" in answer:
            raise NotDelivered(f"it failed again: {answer['FunctionError']}")
        taken = json.loads(answer["Payload"].read())
        status = taken.get("statusCode") if isinstance(taken, dict) else None
        if status != _ACCEPTED:
            raise NotDelivered(f"it was answered with {status}, not taken in")
        return function

    def _not_called_with(self, message: Message, body: dict[str, Any]) -> dict[str, Any] | None:
        """Give what a rule or the topic of notices could not call alert-ingest with."""
        meant = message.attributes.get("TARGET_ARN", "")
        mine = not meant or meant.endswith(f":function:{self.account.ingest_function}")
        if body.get("source") in _TOLD_BY_AWS and isinstance(body.get("detail"), dict) and mine:
            return body
        topic = str(body.get("TopicArn", ""))
        if body.get("Type") == "Notification" and topic == self.account.notice_topic_arn:
            # As SNS puts it around a message for a function.
            return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": body}]}
        return None


def parked(message: Message) -> list[dict[str, Any]]:
    """Give the entries for PutEvents that a message of the parking queue holds, one or several.

    Raises
    ------
    NotDelivered
        It holds nothing of the kind.
    """
    try:
        body = message.decoded()
    except ValueError as error:
        raise NotDelivered("its body is not JSON") from error
    entries = body if isinstance(body, list) else [body]
    if not entries or not all(isinstance(each, dict) for each in entries):
        raise NotDelivered("its body is no object")
    return entries


def _refuse_what_only_aws_may_say(message: Message, event: dict[str, Any]) -> None:
    """An alarm pages from the default bus, onto which nobody can put what CloudWatch says."""
    if event.get("source") != "aws.cloudwatch":
        return
    if _state_of(event) != "OK":
        raise NotDelivered("it paged for an alarm: look at the alarm, then delete this message")
    if ":api-destination/" in message.attributes.get("TARGET_ARN", ""):
        raise NotDelivered(
            "it ended the page for an alarm: end that in the pager, then delete this message"
        )


def _state_of(event: dict[str, Any]) -> object:
    detail = event.get("detail")
    state = detail.get("state") if isinstance(detail, dict) else None
    return state.get("value") if isinstance(state, dict) else None


def _entry(found: Mapping[str, Any], bus: str) -> dict[str, Any]:
    """Give an entry for PutEvents, also of an event that the bus itself could not encrypt."""
    if not all(isinstance(found.get(key), str) for key in ("source", "detail-type")):
        return dict(found)
    return {
        "EventBusName": bus,
        "Source": found["source"],
        "DetailType": found["detail-type"],
        "Detail": json.dumps(found.get("detail")),
    }


def _mapping(message: Message) -> dict[str, Any]:
    try:
        body = message.decoded()
    except ValueError as error:
        raise NotDelivered("its body is not JSON") from error
    if not isinstance(body, dict):
        raise NotDelivered("its body is no object")
    return body


def _event(message: Message, *target_arns: str) -> dict[str, Any]:
    body = _mapping(message)
    meant = message.attributes.get("TARGET_ARN")
    if target_arns and meant and meant not in target_arns:
        raise NotDelivered(f"it is for another target: {meant}")
    source = body.get("source")
    ours = isinstance(source, str) and (source.startswith("sre.") or source in _OF_AWS)
    if not ours or not isinstance(body.get("detail-type"), str):
        raise NotDelivered("it is no event of the platform")
    return body
