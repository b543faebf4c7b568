"""Undelivered messages go to where they had been meant to go, once, and nowhere else."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import Result

from srectl.operate import queues
from srectl.operate.account import Account
from srectl.operate.redrive import Outcome, redrive

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
NOW = datetime.datetime(2026, 11, 23, 15, 30, tzinfo=datetime.UTC)
RECENT = "2026-11-23T15:15:00.000Z"
ROLE = "arn:aws:iam::123456789012:role/states"
Run = Callable[..., Result]


def event(kind: str = "incident.created", received_at: str = RECENT, **data: Any) -> dict[str, Any]:
    return {
        "id": f"{kind}-{received_at}",
        "source": "sre.alertmanager",
        "detail-type": kind,
        "time": received_at,
        "detail": {
            "metadata": {"received_at": received_at},
            "data": {"incident_id": ID, "alert_name": "Down", "severity": "critical", **data},
        },
    }


def entry(kind: str = "incident.created", received_at: str = RECENT) -> dict[str, str]:
    whole = event(kind, received_at)
    return {
        "EventBusName": "t-sre-platform-events",
        "Source": whole["source"],
        "DetailType": kind,
        "Detail": json.dumps(whole["detail"]),
    }


@pytest.fixture
def platform(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return a deployment with queues, bus, state machines, topic and audit log.

    Every destination is heard by a queue of its own: "heard-bus" and "heard-topic".
    """
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)  # moto has one server, which knows at once
    for name in (*queues.QUEUES.values(), "heard-bus", "heard-topic"):
        account.sqs.create_queue(QueueName=f"t-{name}")
    account.events.create_event_bus(Name=account.bus)
    account.events.put_rule(
        Name="t-all", EventBusName=account.bus, EventPattern='{"source": [{"prefix": ""}]}'
    )
    account.events.put_targets(
        Rule="t-all",
        EventBusName=account.bus,
        Targets=[{"Id": "heard", "Arn": account.arn("sqs", "t-heard-bus")}],
    )
    account.sns.create_topic(Name="t-sre-incident-notifications")
    account.sns.subscribe(
        TopicArn=account.topic_arn, Protocol="sqs", Endpoint=account.arn("sqs", "t-heard-topic")
    )
    machines = ("incident-recorder", "incident-response-runbook", "incident-notifier")
    for machine in (*machines, "incident-climber", "morning-digest"):
        account.states.create_state_machine(
            name=f"t-{machine}",
            definition='{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}',
            roleArn=ROLE,
        )
    account.logs.create_log_group(logGroupName=account.audit_log_group)
    return account


def put(platform: Account, queue: str, body: object, **attributes: str) -> None:
    platform.sqs.send_message(
        QueueUrl=queues.url_of(platform.sqs, queue, "t-"),
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def inputs(platform: Account, machine_arn: str) -> list[Any]:
    executions = platform.states.list_executions(stateMachineArn=machine_arn)["executions"]
    return [
        json.loads(platform.states.describe_execution(executionArn=one["executionArn"])["input"])
        for one in executions
    ]


def heard(platform: Account, name: str) -> list[dict[str, Any]]:
    url = platform.sqs.get_queue_url(QueueName=f"t-{name}")["QueueUrl"]
    found: list[dict[str, Any]] = []
    while got := platform.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(one["Body"]) for one in got]
    return found


def left(platform: Account, queue: str) -> int:
    return queues.depth(platform.sqs, queue, "t-").waiting


def everything(platform: Account) -> dict[str, int]:
    return {
        "recorder": len(inputs(platform, platform.recorder_arn)),
        "runbook": len(inputs(platform, platform.runbook_arn)),
        "bus": len(heard(platform, "heard-bus")),
        "topic": len(heard(platform, "heard-topic")),
    }


def reasons(outcome: Outcome) -> list[str]:
    return [one.reason for one in outcome.left]


def test_a_parked_event_goes_to_the_bus(platform: Account) -> None:
    put(platform, "parked", entry())
    put(platform, "parked", event())  # as the bus sends what it could not encrypt
    redrive(platform, "parked", 10, NOW)
    assert left(platform, "parked") == 0
    found = heard(platform, "heard-bus")
    assert [each["detail"]["data"]["incident_id"] for each in found] == [ID, ID]
    assert {each["detail-type"] for each in found} == {"incident.created"}


@pytest.mark.parametrize("kind", ["incident.created", "incident.resolved", "action.completed"])
def test_what_the_recorder_missed_goes_to_the_recorder_only(platform: Account, kind: str) -> None:
    put(platform, "recorder", event(kind), TARGET_ARN=platform.recorder_arn)
    redrive(platform, "recorder", 10, NOW)
    assert inputs(platform, platform.recorder_arn) == [event(kind)]
    assert everything(platform) == {"recorder": 1, "runbook": 0, "bus": 0, "topic": 0}
    assert left(platform, "recorder") == 0


def test_the_end_of_a_runbook_that_was_stopped_reaches_the_recorder(platform: Account) -> None:
    abandoned = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"status": "ABORTED", "input": json.dumps(event())},
    }
    put(platform, "recorder", abandoned, TARGET_ARN=platform.recorder_arn)
    redrive(platform, "recorder", 10, NOW)
    assert inputs(platform, platform.recorder_arn) == [abandoned]


def test_a_runbook_that_did_not_start_is_started_and_nothing_else(platform: Account) -> None:
    put(platform, "runbook", event(), TARGET_ARN=platform.runbook_arn)
    redrive(platform, "runbook", 10, NOW)
    assert everything(platform) == {"recorder": 0, "runbook": 1, "bus": 0, "topic": 0}


def test_one_event_twice_starts_one_runbook(platform: Account) -> None:
    for _ in range(2):
        put(platform, "runbook", event())
        redrive(platform, "runbook", 10, NOW)
    put(platform, "runbook", event())
    put(platform, "runbook", event())
    redrive(platform, "runbook", 10, NOW)
    assert len(inputs(platform, platform.runbook_arn)) == 1
    assert left(platform, "runbook") == 0


@pytest.mark.parametrize("queue", ["runbook", "parked"])
@pytest.mark.parametrize("received_at", ["2026-11-23T14:29:00.000Z", "unknown"])
def test_an_old_alert_starts_no_runbook_unless_asked(
    platform: Account, queue: str, received_at: str
) -> None:
    body = entry if queue == "parked" else event
    put(platform, queue, body("incident.created", received_at))
    outcome = redrive(platform, queue, 10, NOW)
    assert "more than an hour old" in reasons(outcome)[0]
    assert everything(platform) == {"recorder": 0, "runbook": 0, "bus": 0, "topic": 0}
    assert left(platform, queue) == 1
    assert len(redrive(platform, queue, 10, NOW, include_old=True).delivered) == 1
    assert left(platform, queue) == 0


def test_an_old_resolution_is_no_danger(platform: Account) -> None:
    put(platform, "parked", entry("incident.resolved", "2026-11-20T00:00:00.000Z"))
    assert len(redrive(platform, "parked", 10, NOW).delivered) == 1


def test_ends_of_alerts_go_before_their_beginnings(platform: Account) -> None:
    put(platform, "parked", entry("incident.created"))
    put(platform, "parked", entry("incident.resolved"))
    outcome = redrive(platform, "parked", 10, NOW)
    order = [queues.describe(message)["kind"] for message, _ in outcome.delivered]
    assert order == ["incident.resolved", "incident.created"]


@pytest.mark.parametrize("target", ["notifier_arn", "topic_arn"])
@pytest.mark.parametrize(
    "kind",
    [
        "incident.created",
        "incident.resolved",
        "incident.escalated",
        "incident.climbed",
        "incident.undo-asked",
    ],
)
def test_an_announcement_is_left_to_the_notifier(platform: Account, kind: str, target: str) -> None:
    """Also what was meant for the topic, which an earlier release's rules spoke to."""
    put(platform, "notifications", event(kind), TARGET_ARN=getattr(platform, target))
    redrive(platform, "notifications", 10, NOW)
    assert inputs(platform, platform.notifier_arn) == [event(kind)]
    assert everything(platform) == {"recorder": 0, "runbook": 0, "bus": 0, "topic": 0}


@pytest.mark.parametrize(
    "kind", ["incident.escalated", "incident.released", "incident.page-held", "PagerDuty Webhook"]
)
def test_what_nobody_was_started_to_wait_with_is_waited_with(platform: Account, kind: str) -> None:
    put(platform, "notifications", event(kind), TARGET_ARN=platform.climber_arn)
    redrive(platform, "notifications", 10, NOW)
    assert inputs(platform, platform.climber_arn) == [event(kind)]
    assert inputs(platform, platform.notifier_arn) == []
    assert everything(platform) == {"recorder": 0, "runbook": 0, "bus": 0, "topic": 0}


def test_nobody_waits_with_anything_else(platform: Account) -> None:
    put(platform, "notifications", event("incident.created"), TARGET_ARN=platform.climber_arn)
    assert reasons(redrive(platform, "notifications", 10, NOW)) == [
        "nobody waits with incident.created"
    ]
    assert inputs(platform, platform.climber_arn) == []


@pytest.mark.parametrize("kind", ["incident.notified", "incident.paged"])
def test_what_chat_or_pager_did_not_take_goes_over_the_bus_again(
    platform: Account, kind: str
) -> None:
    put(platform, "notifications", event(kind), TARGET_ARN="arn:aws:events:chat")
    redrive(platform, "notifications", 10, NOW)
    [told] = heard(platform, "heard-bus")
    assert told["detail-type"] == kind
    assert told["detail"] == event(kind)["detail"]


def test_what_the_investigator_did_not_take_stays_and_calls_nobody_anew(platform: Account) -> None:
    """The same event once more on the bus, or to the notifier, would be for people, too."""
    target = "arn:aws:events:us-east-1:000000000000:api-destination/staging-sre-investigator/1"
    put(platform, "notifications", event("incident.escalated"), TARGET_ARN=target)
    outcome = redrive(platform, "notifications", 10, NOW)
    [left] = outcome.left
    assert "ask the investigator yourself" in left.reason
    assert everything(platform) == {"recorder": 0, "runbook": 0, "bus": 0, "topic": 0}
    assert inputs(platform, platform.notifier_arn) == []


def test_what_an_investigator_said_and_nobody_wrote_down_is_written_down(platform: Account) -> None:
    put(platform, "recorder", event("incident.investigated"), TARGET_ARN=platform.recorder_arn)
    redrive(platform, "recorder", 10, NOW)
    assert inputs(platform, platform.recorder_arn) == [event("incident.investigated")]


def test_what_the_notifier_could_not_publish_is_published_whole(platform: Account) -> None:
    forms = {"default": '{"event": "incident.created"}', "email": "CRITICAL: Down."}
    parked = {
        "event": "incident.created",
        "severity": "critical",
        "incident_id": ID,
        "subject": "CRITICAL: Down",
        "message_structure": "json",
        "message": json.dumps(forms),
    }
    put(platform, "notifications", parked, TARGET_ARN=platform.topic_arn)
    redrive(platform, "notifications", 10, NOW)
    [told] = heard(platform, "heard-topic")
    assert (told["Message"], told["Subject"]) == (forms["default"], "CRITICAL: Down")
    assert {name: each["Value"] for name, each in told["MessageAttributes"].items()} == {
        "event": "incident.created",
        "severity": "critical",
    }


@pytest.mark.parametrize("target", ["notifier_arn", "topic_arn"])
def test_that_a_runbook_was_stopped_is_left_to_the_notifier(platform: Account, target: str) -> None:
    stopped = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"status": "ABORTED"},
    }
    put(platform, "notifications", stopped, TARGET_ARN=getattr(platform, target))
    redrive(platform, "notifications", 10, NOW)
    assert inputs(platform, platform.notifier_arn) == [stopped]
    assert everything(platform) == {"recorder": 0, "runbook": 0, "bus": 0, "topic": 0}


@pytest.mark.parametrize(("state", "told"), [("OK", 1), ("ALARM", 0)])
def test_the_end_of_an_alarm_is_told_later_and_its_beginning_is_looked_at(
    platform: Account, state: str, told: int
) -> None:
    alarm = {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"state": {"value": state}},
    }
    put(platform, "notifications", alarm)
    outcome = redrive(platform, "notifications", 10, NOW)
    assert len(inputs(platform, platform.notifier_arn)) == told
    assert (left(platform, "notifications"), len(outcome.left)) == (1 - told, 1 - told)
    if not told:
        assert "look at the alarm" in reasons(outcome)[0]


@pytest.mark.parametrize(("state", "told"), [("OK", "end that in the pager"), ("ALARM", "look at")])
def test_a_page_for_an_alarm_is_nobodys_to_repeat(platform: Account, state: str, told: str) -> None:
    alarm = {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"state": {"value": state}},
    }
    put(platform, "notifications", alarm, TARGET_ARN=platform.arn("events", "api-destination/p/1"))
    outcome = redrive(platform, "notifications", 10, NOW)
    assert told in reasons(outcome)[0]
    assert inputs(platform, platform.notifier_arn) == []


def test_what_the_bus_refused_together_goes_to_it_together(platform: Account) -> None:
    first = entry("incident.notified")
    put(platform, "parked", [first, {**first, "DetailType": "incident.paged"}])
    redrive(platform, "parked", 10, NOW)
    kinds = [told["detail-type"] for told in heard(platform, "heard-bus")]
    assert sorted(kinds) == ["incident.notified", "incident.paged"]


@pytest.mark.parametrize("body", [[], ["text"], [{"Source": "x"}]])
def test_what_is_no_list_of_entries_stays(platform: Account, body: Any) -> None:
    put(platform, "parked", body)
    assert len(redrive(platform, "parked", 10, NOW).left) == 1


def test_an_escalation_that_was_parked_is_published_with_its_attributes(platform: Account) -> None:
    escalation = {"event": "incident.escalated", "severity": "critical", "message": "A human"}
    put(platform, "notifications", escalation)
    redrive(platform, "notifications", 10, NOW)
    [told] = heard(platform, "heard-topic")
    assert json.loads(told["Message"]) == escalation
    assert told["Subject"] == "Undelivered until now: incident.escalated"
    assert told["MessageAttributes"]["severity"]["Value"] == "critical"


def test_what_a_subscriber_did_not_take_is_published_again(platform: Account) -> None:
    envelope = {
        "Type": "Notification",
        "TopicArn": platform.topic_arn,
        "Subject": "Escalated: Ünrest",
        "Message": '{"event": "incident.escalated"}',
    }
    put(platform, "notifications", envelope)
    redrive(platform, "notifications", 10, NOW)
    [told] = heard(platform, "heard-topic")
    assert told["Message"] == envelope["Message"]
    assert told["Subject"] == "Escalated: ?nrest"


def test_a_morning_that_the_schedule_could_not_start_is_told_of_the_hours_that_it_was_due_for(
    platform: Account,
) -> None:
    due = {"event": "morning-digest.due", "at": "2026-11-23T06:00:00Z"}
    put(platform, "notifications", due, TARGET_ARN=platform.morning_digest_arn)
    redrive(platform, "notifications", 10, NOW)
    assert inputs(platform, platform.morning_digest_arn) == [due]
    assert everything(platform) == {"recorder": 0, "runbook": 0, "bus": 0, "topic": 0}
    assert left(platform, "notifications") == 0


def test_an_event_for_the_audit_log_is_written_there(platform: Account) -> None:
    recent = datetime.datetime.now(datetime.UTC)
    whole = event(received_at=recent.isoformat())
    put(
        platform,
        "audit",
        whole,
        TARGET_ARN=platform.arn("logs", f"log-group:{platform.audit_log_group}:*"),
    )
    outcome = redrive(platform, "audit", 10, recent)
    assert reasons(outcome) == []
    [stream] = platform.logs.describe_log_streams(logGroupName=platform.audit_log_group)[
        "logStreams"
    ]
    [line] = platform.logs.get_log_events(
        logGroupName=platform.audit_log_group, logStreamName=stream["logStreamName"]
    )["events"]
    assert json.loads(line["message"]) == whole


class Functions:
    """Answers calls of functions as it was told."""

    def __init__(self, answer: object, error: str = "") -> None:
        self.answer, self.error = answer, error
        self.calls: list[tuple[str, Any]] = []

    def invoke(self, **given: str) -> dict[str, Any]:
        self.calls.append((given["FunctionName"], json.loads(given["Payload"])))
        body = io.BytesIO(json.dumps(self.answer).encode())
        return {"Payload": body, **({"FunctionError": self.error} if self.error else {})}


def failed_call(function: str, payload: object) -> dict[str, Any]:
    """What Lambda keeps of a call that nobody waited for."""
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}:$LATEST"
    return {
        "version": "1.0",
        "requestContext": {"functionArn": arn, "condition": "RetriesExhausted"},
        "requestPayload": payload,
        "responsePayload": {"errorType": "Boom", "errorMessage": "it broke"},
    }


def undelivered() -> dict[str, Any]:
    """Give an alarm's event as a rule could not hand it over."""
    return {
        "id": "e-1",
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": "cpu"},
    }


def replaced(platform: Account, functions: Functions) -> Account:
    platform.__dict__["functions"] = functions  # a cached property
    return platform


@pytest.fixture
def recently() -> datetime.datetime:
    """Return a time shortly after what is put into a queue now."""
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=5)


def test_a_call_that_failed_unheard_is_made_again(
    platform: Account, recently: datetime.datetime
) -> None:
    functions = Functions({"statusCode": 202})
    put(platform, "functions", failed_call("t-alert-ingest", {"body": "{}"}))
    [message] = queues.peek(platform.sqs, "functions", "t-", 1)
    about = queues.describe(message)
    assert (about["kind"], about["error"], about["error_message"]) == (
        "call of t-alert-ingest",
        "Boom",
        "it broke",
    )
    redrive(replaced(platform, functions), "functions", 10, recently)
    assert functions.calls == [("t-alert-ingest", {"body": "{}"})]
    assert left(platform, "functions") == 0


def test_what_a_rule_could_not_call_alert_ingest_with_is_handed_to_it(
    platform: Account, recently: datetime.datetime
) -> None:
    functions = Functions({"statusCode": 202})
    to_ingest = {"TARGET_ARN": "arn:aws:lambda:us-east-1:123456789012:function:t-alert-ingest"}
    put(platform, "functions", undelivered(), **to_ingest)
    notice = {"Type": "Notification", "TopicArn": platform.notice_topic_arn, "Message": "told"}
    put(platform, "functions", notice)
    redrive(replaced(platform, functions), "functions", 10, recently)
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": notice}
    wanted = [("t-alert-ingest", undelivered()), ("t-alert-ingest", {"Records": [record]})]
    assert sorted(functions.calls, key=str) == sorted(wanted, key=str)
    assert left(platform, "functions") == 0


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({**undelivered(), "source": "my.app"}, "t-alert-ingest"),
        (undelivered(), "t-runbook-action"),
        ({"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:other", "Message": "m"}, ""),
    ],
)
def test_alert_ingest_is_not_called_with_anything_else(
    platform: Account, recently: datetime.datetime, body: dict[str, Any], target: str
) -> None:
    functions = Functions({"statusCode": 202})
    meant = {"TARGET_ARN": f"arn:aws:lambda:us-east-1:1:function:{target}"} if target else {}
    put(platform, "functions", body, **meant)
    outcome = redrive(replaced(platform, functions), "functions", 10, recently)
    assert [one[:14] for one in reasons(outcome)] == ["it is no faile"]
    assert functions.calls == []


@pytest.mark.parametrize(
    ("function", "answer", "error", "reason"),
    [
        ("t-alert-ingest", {"statusCode": 503}, "", "answered with 503"),
        ("t-alert-ingest", None, "", "answered with None"),
        ("t-alert-ingest", {}, "Unhandled", "failed again"),
        ("t-runbook-action", {"status": "succeeded"}, "", "not carried out without its runbook"),
        ("alert-ingest", {"statusCode": 202}, "", "no failed call of a function of this"),
    ],
)
def test_a_call_that_is_not_taken_stays(
    platform: Account,
    recently: datetime.datetime,
    function: str,
    answer: object,
    error: str,
    reason: str,
) -> None:
    functions = Functions(answer, error)
    put(platform, "functions", failed_call(function, {}))
    outcome = redrive(replaced(platform, functions), "functions", 10, recently)
    assert [reason in one for one in reasons(outcome)] == [True]
    assert left(platform, "functions") == 1
    assert len(functions.calls) == (function == "t-alert-ingest")


def test_an_old_call_is_left_to_a_human(platform: Account, recently: datetime.datetime) -> None:
    functions = Functions({"statusCode": 202})
    put(platform, "functions", failed_call("t-alert-ingest", {}))
    later = recently + datetime.timedelta(hours=1)
    outcome = redrive(replaced(platform, functions), "functions", 10, later)
    assert ["more than an hour old" in one for one in reasons(outcome)] == [True]
    redrive(platform, "functions", 10, later, include_old=True)
    assert left(platform, "functions") == 0


@pytest.mark.parametrize(
    ("queue", "body", "attributes", "reason"),
    [
        ("recorder", "no json", {}, "not JSON"),
        ("recorder", [1], {}, "no object"),
        ("recorder", {"source": "aws.ec2", "detail-type": "x"}, {}, "no event of the platform"),
        ("recorder", event("something.else"), {}, "does not know"),
        ("recorder", event(), {"TARGET_ARN": "arn:aws:states:x:y:other"}, "another target"),
        ("runbook", event("incident.resolved"), {}, "no runbook starts"),
        ("runbook", event(), {"TARGET_ARN": "arn:aws:states:x:y:other"}, "another target"),
        ("parked", {"what": 1}, {}, "no entry for PutEvents"),
        ("parked", {**entry(), "EventBusName": "default"}, {}, "another bus"),
        ("notifications", {"what": 1}, {}, "neither an event nor"),
        (
            "notifications",
            event("action.completed"),
            {},
            "nobody is told of action.completed",
        ),
        ("notifications", event(), {"TARGET_ARN": "arn:aws:states:x:y:other"}, "another target"),
        (
            "notifications",
            {"Type": "Notification", "Message": "x", "TopicArn": "arn:other"},
            {},
            "another topic",
        ),
        ("audit", event(), {"TARGET_ARN": "arn:aws:logs:r:a:log-group:other"}, "another target"),
    ],
)
def test_what_does_not_belong_there_stays_with_a_reason(
    platform: Account, queue: str, body: object, attributes: dict[str, str], reason: str
) -> None:
    put(platform, queue, body, **attributes)
    outcome = redrive(platform, queue, 10, NOW)
    assert outcome.delivered == []
    assert reason in reasons(outcome)[0]
    assert left(platform, queue) == 1
    assert everything(platform) == {"recorder": 0, "runbook": 0, "bus": 0, "topic": 0}


def test_what_is_not_accepted_stays_and_the_rest_goes(platform: Account) -> None:
    platform.states.delete_state_machine(stateMachineArn=platform.recorder_arn)
    put(platform, "recorder", event())
    outcome = redrive(platform, "recorder", 10, NOW)
    assert "not accepted" in reasons(outcome)[0]
    assert left(platform, "recorder") == 1


def test_an_event_that_the_bus_refuses_again_stays_parked(
    platform: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PutEvents answers 200 even when it takes nothing.
    refusal = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
    monkeypatch.setattr(platform.events, "put_events", lambda **_: refusal)
    put(platform, "parked", entry())
    outcome = redrive(platform, "parked", 10, NOW)
    assert reasons(outcome) == ["the bus refused it: ThrottlingException"]
    assert left(platform, "parked") == 1


def test_it_stops_at_the_maximum(platform: Account) -> None:
    for number in range(15):
        put(platform, "recorder", event("incident.resolved", number=number))
    outcome = redrive(platform, "recorder", 12, NOW)
    assert (len(outcome.delivered), outcome.more) == (12, True)
    assert left(platform, "recorder") == 3


def test_a_message_that_comes_back_meanwhile_is_not_taken_again(
    platform: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = platform.states.start_execution

    def failing_recorder(**arguments: Any) -> Any:
        put(platform, "recorder", arguments["input"], ERROR_CODE="again")
        return start(**arguments)

    monkeypatch.setattr(platform.states, "start_execution", failing_recorder)
    put(platform, "recorder", event())
    outcome = redrive(platform, "recorder", 100, NOW)
    assert len(outcome.delivered) == 1
    assert left(platform, "recorder") == 1


def test_a_message_that_cannot_be_deleted_is_told(
    platform: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_arguments: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteMessage")

    monkeypatch.setattr(platform.sqs, "delete_message", refuse)
    put(platform, "recorder", event())
    assert len(redrive(platform, "recorder", 10, NOW).undeleted) == 1


def test_looking_leaves_everything_where_it_is(platform: Account, srectl: Run) -> None:
    put(platform, "runbook", event(), ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="[b]refused[/b]")
    shown = srectl("dlq", "show", "sre-dlq-runbook")
    assert "NO_PERMISSIONS [b]refused[/b]" in shown.output
    assert ID in shown.output
    assert left(platform, "runbook") == 1
    listed = json.loads(srectl("dlq", "list", "--json").stdout)
    assert {one["queue"]: one["waiting"] for one in listed} == {
        "parked": 0,
        "recorder": 0,
        "runbook": 1,
        "notifications": 0,
        "audit": 0,
        "functions": 0,
    }


def test_all_queues_are_redriven_at_once_and_what_stays_fails_the_command(
    platform: Account, srectl: Run
) -> None:
    put(platform, "recorder", event())
    put(platform, "notifications", {"event": "incident.escalated"})
    put(platform, "audit", "no json")
    answer = srectl("dlq", "redrive", "--all")
    assert answer.exit_code == 1
    assert "audit: 0 delivered, 1 left" in answer.output
    assert everything(platform) == {"recorder": 1, "runbook": 0, "bus": 0, "topic": 1}


@pytest.mark.parametrize("arguments", [(), ("recorder", "--all")])
def test_one_queue_or_all_must_be_named(srectl: Run, arguments: tuple[str, ...]) -> None:
    assert srectl("dlq", "redrive", *arguments).exit_code == 2


def test_an_unknown_queue_is_told_with_the_known_ones(srectl: Run) -> None:
    answer = srectl("dlq", "show", "nope")
    assert answer.exit_code == 1
    assert "sre-dlq-recorder" in answer.output
