"""Who calls the function and who may speak; what AWS tells and nobody may say in its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import process_time
from typing import Any

import pytest

from alert_ingest.adapters.alarm_tags import KEPT_SECONDS, AlarmTags
from alert_ingest.aws_events import UnknownCall, call_of
from alert_ingest.errors import BodyRejected, ChannelUnavailable, DeliveryFailed, TagsUnreadable
from alert_ingest.senders import EVENT_SENDERS, SENDERS
from tests.unit.alert_ingest.bodies import EVENTS, FakeTime, changed, proxy_event, sample
from tests.unit.alert_ingest.invoking import Invoker, LambdaContext
from tests.unit.alert_ingest.telling import ACCOUNT, NOW, OTHER, aws_events, told

ALARM = "cloudwatch/alarm"
OF_AWS = sorted(
    path.relative_to(EVENTS).with_suffix("").as_posix()
    for folder in ("cloudwatch", "aws_health")
    for path in (EVENTS / folder).glob("*.json")
)
TOPIC = sorted(f"sns/{path.stem}" for path in (EVENTS / "sns").glob("topic-*.json"))


def call(invoke: Invoker, event: object) -> dict[str, Any]:
    answer = invoke.module.handler(event, LambdaContext())
    body: dict[str, Any] = json.loads(answer["body"])
    assert answer["statusCode"] == 202
    return body


# ---------------------------------------------------------------- who calls
@pytest.mark.parametrize("name", OF_AWS)
def test_an_event_is_told_from_a_request(name: str) -> None:
    assert call_of(sample(name)) == "event"


@pytest.mark.parametrize("name", TOPIC)
def test_records_are_told_from_a_request(name: str) -> None:
    assert call_of(sample(name)) == "topic"


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        {"Records": []},
        {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
        {"Records": [*sample("sns/topic-other")["Records"], {"EventSource": "aws:s3"}]},
        {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change"},
        # What would look like two of them.
        {**sample(ALARM), **proxy_event("{}")},
        {**sample(ALARM), "body": "{}"},
        {**sample("sns/topic-other"), "httpMethod": "POST"},
    ],
)
def test_a_call_of_any_other_kind_is_an_error(invoke: Invoker, event: object) -> None:
    with pytest.raises(UnknownCall, match="no kind that is known here"):
        invoke.module.handler(event, LambdaContext())
    assert invoke.bus.batches == []


@pytest.mark.parametrize("name", [*OF_AWS, *TOPIC])
def test_no_sender_speaks_for_another_a_webhook_is_never_what_aws_says(
    invoke: Invoker, name: str
) -> None:
    """Invariant 9: the very event, posted to the webhook, is a body of no known format."""
    status, answer = invoke.body(sample(name))
    assert status == 400
    assert "of the known formats" in answer["errors"][0]["message"]
    assert invoke.bus.batches == []


def test_the_two_kinds_of_senders_are_apart() -> None:
    assert [sender.name for sender in SENDERS] == ["alertmanager", "datadog", "grafana"]
    assert [sender.name for sender in EVENT_SENDERS] == ["aws_health", "cloudwatch"]


# ---------------------------------------------------------------- who may speak
def test_an_account_that_is_not_listed_may_not_speak(invoke: Invoker) -> None:
    with pytest.raises(BodyRejected):
        invoke.module.handler(sample("cloudwatch/alarm-other-account"), LambdaContext())
    assert invoke.bus.batches == []


def test_an_account_speaks_for_its_own_alarms_alone() -> None:
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:payments-restarts-sev2"
    with pytest.raises(BodyRejected):
        told("cloudwatch/alarm-other-account", resources=[arn])


def test_each_account_is_a_sender_with_a_share_of_its_own(invoke: Invoker) -> None:
    call(invoke, sample(ALARM))
    data = invoke.bus.details[0]["data"]
    assert (data["sender"], data["sender_name"]) == ("cloudwatch", f"aws:{ACCOUNT}")
    assert data["sender_key"] == ""
    assert told("cloudwatch/alarm-other-account").speaker.name == f"aws:{OTHER}"


@pytest.mark.parametrize("changes", [{"source": "my.app"}, {"detail-type": "EC2 Instance State"}])
def test_an_event_of_no_service_that_is_understood_is_an_error(changes: dict[str, str]) -> None:
    with pytest.raises(BodyRejected):
        aws_events().read_event({**sample(ALARM), **changes}, NOW)


def test_a_topic_of_another_account_is_refused() -> None:
    records = sample("sns/topic-budget")["Records"]
    records[0]["Sns"]["TopicArn"] = f"arn:aws:sns:us-east-1:{OTHER}:sre-notices"
    with pytest.raises(BodyRejected):
        aws_events().read_records(records, NOW)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sre-dlq-runbook", "the platform's own alarms are told without an incident"),
        ("TargetTracking-table/orders-AlarmHigh-1", "alarms called TargetTracking-* are left out"),
    ],
)
def test_some_alarms_are_nobodys_incident(name: str, why: str) -> None:
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}"
    found = told(ALARM, detail__alarmName=name, resources=[arn])
    assert found.reading.alerts == ()
    assert found.left_out.startswith(why)


@pytest.mark.parametrize(
    "name", ["sre-latency", "sre-parked-events-2", "sre-", "SRE-parked-events"]
)
def test_an_alarm_of_somebody_else_that_is_only_called_like_ours_is_heard(name: str) -> None:
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}"
    found = told(ALARM, detail__alarmName=name, resources=[arn])
    assert (found.left_out, [each.alert_name for each in found.reading.alerts]) == ("", [name])


@pytest.mark.parametrize(
    ("name", "word"),
    [
        (ALARM, "server-cpu-critical"),
        ("aws_health/issue-open", "A description of"),
        ("sns/topic-budget", "Budget Name: "),
        ("sns/topic-cost-anomaly", "Elastic Compute"),
    ],
)
def test_text_that_no_utf_8_can_hold_travels_as_a_question_mark(
    invoke: Invoker, name: str, word: str
) -> None:
    """JSON can carry it, also within the JSON that a notice is."""
    text = json.dumps(sample(name))
    assert word in text
    for lone in ("\\ud800", "\\\\ud800"):
        if lone[1] == "\\" and name != "sns/topic-cost-anomaly":
            continue
        invoke.bus.batches.clear()
        call(invoke, json.loads(text.replace(word, f"{word}{lone}")))
        assert f"{word}?" in json.dumps(invoke.bus.details[0])


def test_an_alarm_of_another_account_may_be_called_like_ours() -> None:
    arn = f"arn:aws:cloudwatch:us-east-1:{OTHER}:alarm:sre-parked-events"
    found = told(ALARM, account=OTHER, detail__alarmName="sre-parked-events", resources=[arn])
    assert len(found.reading.alerts) == 1


# ---------------------------------------------------------------- tags
def test_tags_are_looked_up_where_the_event_has_none() -> None:
    asked = []

    def tags_of(arn: str) -> Mapping[str, str]:
        asked.append(arn)
        return {"severity": "info", "team": "shop"}

    (alert,) = aws_events(tags_of=tags_of).read_event(sample(ALARM), NOW).reading.alerts
    assert (alert.severity, alert.labels["team"], alert.notes) == ("info", "shop", ())
    assert asked == [sample(ALARM)["resources"][0]]
    aws_events(tags_of=tags_of).read_event(sample("cloudwatch/alarm-tags-propagated"), NOW)
    assert len(asked) == 1


def test_tags_that_cannot_be_read_cost_nothing_else() -> None:
    def tags_of(_arn: str) -> Mapping[str, str]:
        raise TagsUnreadable("ListTagsForResource was refused with AccessDenied")

    (alert,) = aws_events(tags_of=tags_of).read_event(sample(ALARM), NOW).reading.alerts
    assert alert.severity == "critical"  # of its name
    assert alert.notes == (
        "tags of the alarm could not be read: ListTagsForResource was refused with AccessDenied",
    )


def test_tags_of_another_account_are_not_asked_for() -> None:
    def tags_of(arn: str) -> Mapping[str, str]:
        raise AssertionError(arn)

    event = sample("cloudwatch/alarm-other-account")
    (alert,) = aws_events(tags_of=tags_of).read_event(event, NOW).reading.alerts
    assert any("another account or region" in note for note in alert.notes)


class Service:
    """ListTagsForResource."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = False

    def list_tags_for_resource(self, **_about: str) -> dict[str, Any]:
        self.asked += 1
        if self.broken:
            raise ChannelUnavailable("away")
        return {"Tags": [{"Key": "severity", "Value": "critical"}]}


def test_an_alarm_is_asked_about_once_in_a_while() -> None:
    service, time = Service(), FakeTime()
    tags = AlarmTags(lambda: service, time.clock)  # type: ignore[arg-type,return-value]
    assert [tags.of("a"), tags.of("a")] == [{"severity": "critical"}] * 2
    assert service.asked == 1
    time.now += KEPT_SECONDS
    service.broken = True
    with pytest.raises(TagsUnreadable):
        tags.of("a")
    service.broken = False
    assert tags.of("a") == {"severity": "critical"}
    assert service.asked == 3


# ---------------------------------------------------------------- nothing accepted is lost
def test_what_gets_nowhere_is_an_error_that_lambda_repeats(invoke: Invoker) -> None:
    invoke.bus.broken = invoke.parking.broken = ChannelUnavailable("down")
    with pytest.raises(DeliveryFailed):
        invoke.module.handler(sample(ALARM), LambdaContext())


def test_what_the_bus_refuses_is_parked(invoke: Invoker) -> None:
    invoke.bus.broken = ChannelUnavailable("down")
    answer = call(invoke, sample(ALARM))
    assert len(answer["incident_ids"]) == len(invoke.parking.taken) == 1


def test_an_event_that_is_not_valid_is_an_error_and_logged_once(invoke: Invoker) -> None:
    for _ in range(2):
        with pytest.raises(BodyRejected):
            invoke.module.handler(sample("cloudwatch/invalid-state"), LambdaContext())
    messages = [record["message"] for record in invoke.messages()]
    assert messages == ["body rejected", "body rejected again"]


def test_what_is_left_out_is_logged_with_the_reason(invoke: Invoker) -> None:
    assert call(invoke, sample("cloudwatch/own-alarm"))["incident_ids"] == []
    assert call(invoke, sample("cloudwatch/insufficient-data"))["incident_ids"] == []
    reasons = [record["reason"] for record in invoke.messages()]
    assert reasons == [
        "the platform's own alarms are told without an incident",
        "it neither begins nor ends an incident",
    ]


def test_an_end_of_nothing_is_not_told(invoke: Invoker) -> None:
    assert call(invoke, sample("cloudwatch/ok-after-no-data"))["incident_ids"] == []
    assert invoke.bus.taken == []


# ---------------------------------------------------------------- notices
@pytest.mark.parametrize("name", ["aws_health/issue-open", "sns/topic-budget"])
def test_a_notice_is_marked(invoke: Invoker, name: str) -> None:
    call(invoke, sample(name))
    data = invoke.bus.details[0]["data"]
    assert (data["notice"], data["runbook"], data["target"]["name"]) == (True, None, None)


def test_an_alert_is_no_notice(invoke: Invoker) -> None:
    invoke.event(sample("alertmanager/api-firing"))
    assert invoke.bus.details[0]["data"]["notice"] is False


def test_aws_health_tells_one_incident_in_all_its_updates() -> None:
    (first,) = told("aws_health/issue-open").reading.alerts
    (update,) = told(
        "aws_health/issue-open",
        detail__communicationId="another",
        detail__page="2",
        region="us-west-2",
        id="0",
    ).reading.alerts
    (end,) = told("aws_health/issue-closed").reading.alerts
    assert first.incident_id == update.incident_id == end.incident_id
    assert (end.status, end.duration_seconds) == ("resolved", 10735.0)
    (other,) = told("aws_health/issue-open", detail__affectedAccount=OTHER).reading.alerts
    assert other.incident_id != first.incident_id


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("aws_health/issue-open", "warning"),
        ("aws_health/scheduled-change", "warning"),
        ("aws_health/account-notification", "info"),
    ],
)
def test_aws_health_is_as_bad_as_its_category(name: str, found: str) -> None:
    (alert,) = told(name).reading.alerts
    assert alert.severity == found


@pytest.mark.parametrize("value", [None, 7, "text", [], [None], [{}], {}], ids=str)
@pytest.mark.parametrize(
    "field", ["startTime", "endTime", "statusCode", "eventDescription", "affectedEntities"]
)
def test_what_aws_health_leaves_out_costs_no_notice(field: str, value: Any) -> None:
    (alert,) = told("aws_health/issue-open", **{f"detail__{field}": value}).reading.alerts
    assert (alert.status, alert.alert_name[:8]) == ("firing", "AWS_EC2_")


def test_a_moment_out_of_range_costs_no_notice() -> None:
    late = "Fri, 31 Dec 9999 23:59:59 -2359"
    (alert,) = told("aws_health/issue-open", detail__startTime=late).reading.alerts
    assert alert.annotations["startTime"] == late


def test_what_is_planned_begins_when_it_is_told() -> None:
    (alert,) = told("aws_health/scheduled-change").reading.alerts
    assert alert.started_at is not None
    assert alert.started_at.isoformat() == "2026-11-23T15:20:00+00:00"
    assert alert.annotations["startTime"] == "Mon, 07 Dec 2026 16:00:00 GMT"
    assert alert.notes == ()


def records(name: str, /, **changes: object) -> Any:
    event = changed(sample(f"sns/topic-{name}"), **changes)
    (found,) = aws_events().read_records(event["Records"], NOW)
    (alert,) = found.reading.alerts
    return alert


def test_a_cost_anomaly_that_grows_stays_one_incident() -> None:
    alert = records("cost-anomaly")
    assert alert.alert_name == "Cost anomaly: Amazon Elastic Compute Cloud - Compute"
    assert alert.summary.startswith("1001.00 US dollars more than expected (333.67 %)")
    assert alert.links["details"].startswith("https://console.aws.amazon.com/cost-management/")
    grown = sample("sns/topic-cost-anomaly")["Records"][0]["Sns"]["Message"].replace("1001", "2002")
    again = records("cost-anomaly", Records__0__Sns__Message=grown, Records__0__Sns__MessageId="m2")
    assert again.incident_id == alert.incident_id
    assert again.summary.startswith("2002.00")


def test_a_budget_s_threshold_is_an_incident_once_a_month() -> None:
    alert = records("budget")
    assert alert.alert_name == "Budget: monthly"
    assert "ACTUAL Amount $81.70" in alert.summary
    again = records("budget", Records__0__Sns__MessageId="m2")
    december = records("budget", Records__0__Sns__Timestamp="2026-12-01T08:00:00.000Z")
    assert again.incident_id == alert.incident_id != december.incident_id


def test_whatever_else_a_topic_tells_is_a_notice_by_its_subject() -> None:
    alert = records("other")
    assert (alert.alert_name, alert.severity) == ("RDS Notification Message", "warning")
    assert records("other").incident_id == alert.incident_id
    assert records("other", Records__0__Sns__MessageId="m2").incident_id != alert.incident_id
    assert records("other", Records__0__Sns__Subject=None).alert_name.startswith('{"Event Source"')


@pytest.mark.parametrize("text", ["", "{", "[]", '{"anomalyId": 7}', '{"anomalyId": ""}'])
def test_a_message_of_any_text_is_a_notice(text: str) -> None:
    assert records("other", Records__0__Sns__Message=text, Records__0__Sns__Subject="x").notice


def test_a_number_that_no_float_holds_costs_no_notice() -> None:
    text = f'{{"anomalyId": "a", "impact": {{"totalImpact": 1{"0" * 400}}}}}'
    assert records("other", Records__0__Sns__Message=text).summary.startswith("unknown US dollars")


def test_a_message_made_of_blanks_is_read_in_no_time() -> None:
    text = f"Budget Name: build{' ' * 100_000}\x00\nAlert Type: ACTUAL\r\n"
    began = process_time()
    alert = records("other", Records__0__Sns__Message=text)
    assert process_time() - began < 5  # minutes where each blank is looked at with all after it
    assert alert.labels["alert_type"] == "ACTUAL"
