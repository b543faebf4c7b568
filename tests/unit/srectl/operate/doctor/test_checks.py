"""What each check finds, where, and what it tells one to type."""

from __future__ import annotations

import datetime
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from srectl.operate.doctor import (
    Deployment,
    Severity,
    admission,
    alarms,
    clock,
    cluster,
    code,
    concurrency,
    dead_letters,
    heartbeat,
    holding_back,
    intake,
    links,
    monitoring,
    published,
    rights,
    routes,
    slack,
    stack,
    subscriptions,
    template,
)
from srectl.operate.doctor.http import Answer, NoAnswer
from tests.unit.srectl.operate.doctor.patients import (
    MACHINE_TEXT,
    NOW,
    TOPIC,
    Patient,
    alarm,
    archive,
    described,
    refused,
    set_parameter,
    worst,
)

FAILED, WARNING, NOTE = Severity.FAILED, Severity.WARNING, Severity.NOTE
UNKNOWN = Severity.NOT_CHECKED


def test_a_deployment_without_a_slack_app_lacks_nothing(patient: Patient) -> None:
    (found,) = patient.see(slack.CHECK)
    assert (found.severity, found.what) == (Severity.OK, "none is deployed")


@pytest.mark.parametrize(
    ("people", "status", "severity", "words"),
    [
        ("U024=ada", 401, Severity.OK, "refuses what Slack has not signed"),
        ("U024=ada", 502, FAILED, "cannot read its secret"),
        ("U024=ada", 403, UNKNOWN, "refuses whoever asks from here"),
        ("U024=ada", 200, FAILED, "answers 200 to what Slack has not signed"),
        (" , ", 401, WARNING, "nobody may press a button"),
    ],
)
def test_slack_app(
    patient: Patient, people: str, status: int, severity: Severity, words: str
) -> None:
    set_parameter(patient, "SlackAppSecretArn", "arn:aws:secretsmanager:r:1:secret:sre/slack")
    set_parameter(patient, "SlackPeople", people)
    patient.web["webhook"] = Answer(status, {}, b"")
    found = patient.see(slack.CHECK)
    assert max(found, key=lambda each: [*Severity].index(each.severity)).severity is severity
    assert words in " ".join(each.what for each in found)
    assert all(each.next for each in found if each.severity is not Severity.OK)


def test_a_slack_app_that_nobody_reaches_has_failed(patient: Patient) -> None:
    set_parameter(patient, "SlackAppSecretArn", "arn:aws:secretsmanager:r:1:secret:sre/slack")
    set_parameter(patient, "SlackPeople", "U024=ada")
    patient.web["webhook"] = NoAnswer("no route")
    (found,) = patient.see(slack.CHECK)
    assert (found.severity, "no route" in found.what) == (FAILED, True)


@pytest.mark.parametrize(
    ("seconds", "severity", "words"),
    [
        (3, Severity.OK, "agree"),
        (40, WARNING, "39 s before"),
        (-40, WARNING, "40 s behind"),
        (600, FAILED, "before that of AWS: AWS refuses"),
    ],
)
def test_clock(patient: Patient, seconds: int, severity: Severity, words: str) -> None:
    patient.now += datetime.timedelta(seconds=seconds)
    (found,) = patient.see(clock.CHECK)
    assert found.severity is severity
    assert words in found.what
    assert ("timedatectl" in found.next) == (severity is not Severity.OK)


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ("UPDATE_ROLLBACK_COMPLETE", WARNING),
        ("UPDATE_IN_PROGRESS", WARNING),
        ("ROLLBACK_COMPLETE", FAILED),
        ("UPDATE_ROLLBACK_FAILED", FAILED),
    ],
)
def test_stack_whose_deployment_failed(patient: Patient, status: str, severity: Severity) -> None:
    described(patient)["StackStatus"] = status
    found = worst(patient.see(stack.CHECK))
    assert (found.severity, found.where) == (severity, "platform")
    assert status in found.what
    assert "--stack-name platform" in found.next


def test_stack_of_an_older_template_lacks_outputs(patient: Patient) -> None:
    del described(patient)["Outputs"][0]
    found = worst(patient.see(stack.CHECK))
    assert (found.severity, found.what) == (FAILED, "has no output CanaryArn")
    assert "sam deploy" in found.next


def answer(status: int, message: str = "", **more: object) -> Answer:
    return Answer(status, {}, json.dumps({"message": message, **more}).encode())


@pytest.mark.parametrize(
    ("given", "severity", "words", "then"),
    [
        (
            answer(403, "The X-Api-Key header is missing or wrong."),
            FAILED,
            "answers 403 to the API key key1 of the stack",
            "create-usage-plan-key --usage-plan-id plan1 --key-type API_KEY --key-id key1",
        ),
        (
            answer(403, "User: anonymous is not authorized to perform"),
            UNKNOWN,
            "WebhookAllowedCidrs",
            "run it from",
        ),
        (
            answer(403, "Forbidden"),
            FAILED,
            "stage 'live' is not there",
            "get-stages --rest-api-id api1",
        ),
        (answer(404, "none"), FAILED, "stage 'live' is not there", "get-stages"),
        (
            answer(503, "send it again"),
            FAILED,
            "answers 503",
            "sam logs -n AlertIngestFunction --stack-name platform",
        ),
        (answer(400, "not a JSON object"), WARNING, "not alert-ingest's own", "sam logs"),
        (answer(200, "a page of a proxy"), FAILED, "answers 200", "get-stages"),
        (
            answer(400, "of none of the formats", errors=[], correlation_id="c"),
            WARNING,
            "of a release that refuses this probe",
            "deploy",
        ),
        (Answer(502, {}, b"<html>"), FAILED, "no reason given", "sam logs"),
        (NoAnswer("refused"), FAILED, "does not answer: refused", "curl -v https://api1"),
    ],
)
def test_intake(
    patient: Patient, given: Answer | Exception, severity: Severity, words: str, then: str
) -> None:
    patient.web["webhook"] = given
    found = worst(patient.see(intake.CHECK))
    assert found.severity is severity
    assert found.where.startswith("https://api1.execute-api")
    assert words in found.what
    assert then in found.next
    assert "s3cret" not in str(found)


def test_intake_names_a_disabled_key_and_one_that_is_gone(patient: Patient) -> None:
    keys = patient.aws["apigateway"]["get_api_keys"]["items"]
    keys[0]["enabled"] = False
    del keys[1]
    bad = [each for each in patient.see(intake.CHECK) if each.severity is FAILED]
    assert [each.where for each in bad] == ["API key key1", "API key key2"]
    assert "update-api-key --api-key key1" in bad[0].next
    assert "not there any more" in bad[1].what


def test_intake_tries_the_key_that_a_sender_has(patient: Patient) -> None:
    patient.key_file = patient.folder / "key"
    (found,) = [each for each in patient.see(intake.CHECK) if each.severity is not Severity.OK]
    assert found.severity is UNKNOWN
    patient.key_file.write_text("old\n")
    assert [each.severity for each in patient.see(intake.CHECK)] == [Severity.OK, Severity.OK]
    patient.web["webhook"] = answer(403, "The X-Api-Key header is missing or wrong.")
    told = patient.see(intake.CHECK)[-1]
    assert f"API key in {patient.key_file}" in told.what
    assert "get-api-key --include-value --api-key key1" in told.next


@pytest.mark.parametrize(
    "text", ["s3cret\nof two lines", "s3cret\r\nX-Other: 1", "s3cret\u2026", ""]
)
def test_intake_quotes_no_key_that_cannot_stand_in_a_header(patient: Patient, text: str) -> None:
    patient.key_file = patient.folder / "key"
    patient.key_file.write_text(text, "utf-8")
    told = patient.see(intake.CHECK)[-1]
    assert told.severity is UNKNOWN
    assert "does not hold a key alone" in told.what
    assert "s3cret" not in str(told)


def test_intake_waits_for_no_pipe_that_nobody_writes_to(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_READ_SECONDS", 0.1)
    patient.key_file = patient.folder / "pipe"
    os.mkfifo(patient.key_file)
    told = patient.see(intake.CHECK)[-1]
    assert (told.severity, "gives nothing within 0 seconds" in told.what) == (UNKNOWN, True)
    # What a shell makes of <(aws apigateway get-api-key ...).
    reading, writing = os.pipe()
    os.write(writing, b"new\n")
    os.close(writing)
    patient.key_file = Path(f"/dev/fd/{reading}")
    assert patient.see(intake.CHECK)[-1].severity is Severity.OK
    os.close(reading)


@pytest.mark.parametrize("domain", ["us-east-1.amazonaws.com", "us-east-1.api.aws"])
def test_an_address_of_aws_is_none_of_this_machine(patient: Patient, domain: str) -> None:
    address = f"https://cloudformation.{domain}"
    deployment = patient.deployment()
    deployment.cloudformation.meta.endpoint_url = address  # type: ignore[misc]
    assert deployment.endpoint == ""
    deployment.cloudformation.meta.endpoint_url = "http://127.0.0.1:4566"  # type: ignore[misc]
    assert deployment.endpoint == "http://127.0.0.1:4566"


@pytest.mark.parametrize(
    ("there", "where", "words"),
    [
        ([], "email oncall@example.com", "is not subscribed any more"),
        (["PendingConfirmation"], "email oncall@example.com", "has not confirmed"),
    ],
)
def test_subscriptions(patient: Patient, there: list[str], where: str, words: str) -> None:
    listed = patient.aws["sns"]["list_subscriptions_by_topic"]
    listed["Subscriptions"] = [
        {"SubscriptionArn": each, "Protocol": "email", "Endpoint": "oncall@example.com"}
        for each in there
    ]
    found = worst(patient.see(subscriptions.CHECK))
    assert (found.severity, found.where) == (FAILED, where)
    assert words in found.what
    assert f"aws sns subscribe --topic-arn {TOPIC} --protocol email" in found.next


def test_a_contact_that_is_not_subscribed_any_more_is_named(patient: Patient) -> None:
    set_parameter(patient, "SecondContactEmail", "second@example.com")
    # Not yet: without AcknowledgeMinutes there is no subscription.
    assert {each.severity for each in patient.see(subscriptions.CHECK)} == {Severity.OK}
    patient.aws["cloudformation"]["list_stack_resources"]["StackResourceSummaries"].append(
        {
            "LogicalResourceId": "SecondContactSubscription",
            "ResourceType": "AWS::SNS::Subscription",
            "PhysicalResourceId": f"{TOPIC}:2",
        }
    )
    found = worst(patient.see(subscriptions.CHECK))
    assert (found.severity, found.where) == (FAILED, "email second@example.com")
    assert "incidents that nobody has taken" in found.what
    assert "SecondContactEmail empty" in found.next


def test_a_team_that_is_not_subscribed_any_more_is_named(patient: Patient) -> None:
    set_parameter(patient, "Team2", "payments")
    set_parameter(patient, "Team2Email", "payments@example.com")
    patient.aws["cloudformation"]["list_stack_resources"]["StackResourceSummaries"].append(
        {
            "LogicalResourceId": "Team2Subscription",
            "ResourceType": "AWS::SNS::Subscription",
            "PhysicalResourceId": f"{TOPIC}:3",
        }
    )
    found = worst(patient.see(subscriptions.CHECK))
    assert (found.severity, found.where) == (FAILED, "email payments@example.com")
    assert "team payments is told nothing by mail" in found.what
    assert "Team2Email empty" in found.next


@pytest.mark.parametrize("rule", ["SlackRule", "PagerRule"])
def test_subscriptions_that_nobody_ever_made(patient: Patient, rule: str) -> None:
    patient.aws["sns"]["list_subscriptions_by_topic"]["Subscriptions"] = []
    set_parameter(patient, "NotificationEmail", "")
    assert worst(patient.see(subscriptions.CHECK)).severity is FAILED
    patient.aws["cloudformation"]["list_stack_resources"]["StackResourceSummaries"].append(
        {
            "LogicalResourceId": rule,
            "ResourceType": "AWS::Events::Rule",
            "PhysicalResourceId": "t-sre-slack",
        }
    )
    assert worst(patient.see(subscriptions.CHECK)).severity is NOTE


@pytest.mark.parametrize(
    ("kind", "then"),
    [
        ("ClusterUnreachable", "aws eks describe-cluster --name prod"),
        ("AccessDenied", "aws eks create-access-entry --cluster-name prod --principal-arn arn:aws"),
        ("ResourceMissing", "aws eks list-clusters"),
        ("StateUnknown", "srectl runbooks publish"),
        ("no inspection", "'sam build && sam deploy' brings back the function's code"),
        ("Sandbox.Timedout", "sam logs -n RunbookActionFunction --stack-name platform"),
    ],
)
def test_cluster_that_the_function_cannot_ask(patient: Patient, kind: str, then: str) -> None:
    patient.inspected = {"errorType": kind, "errorMessage": "no answer"}
    found = worst(patient.see(cluster.CHECK))
    assert (found.severity, found.where) == (FAILED, "cluster prod")
    assert found.what == f"{kind}: no answer"
    assert then in found.next
    for blind in (rights.CHECK, admission.CHECK):
        assert worst(patient.see(blind)).severity is UNKNOWN


def test_a_function_that_is_older_than_the_question_is_not_a_broken_one(patient: Patient) -> None:
    patient.inspected = {"errorType": "InvalidRequest", "errorMessage": "operation must be one of"}
    found = worst(patient.see(cluster.CHECK))
    assert found.severity is UNKNOWN
    assert "sam deploy" in found.next


def test_what_answers_anything_is_not_our_function(patient: Patient) -> None:
    patient.inspected = {"ok": True}
    found = worst(patient.see(cluster.CHECK))
    assert (found.severity, found.what) == (FAILED, 'no inspection: it answered {"ok": true}')
    for blind in (rights.CHECK, admission.CHECK):
        assert worst(patient.see(blind)).severity is UNKNOWN


def test_every_cluster_of_the_stack_is_asked_about(patient: Patient) -> None:
    more = "arn:aws:eks:us-east-1:123456789012:cluster/two"
    set_parameter(patient, "MoreClusterArns", more)
    assert [each.where for each in patient.see(cluster.CHECK)] == ["cluster prod", "cluster two"]


def test_rights_that_are_missing(patient: Patient) -> None:
    right = {"group": "apps", "resource": "deployments", "by": ["scale_workload"]}
    node = {"verb": "patch", "group": "", "resource": "nodes", "by": ["drain_node"]}
    patient.inspected["missing"] = [
        {**right, "verb": "patch", "where": "target", "namespace": "apps"},
        {**right, "verb": "get", "where": "target", "namespace": "apps"},
        {**node, "where": "cluster", "namespace": ""},
    ]
    within, beyond = patient.see(rights.CHECK)
    assert (within.severity, beyond.severity) == (FAILED, NOTE)
    assert within.where == "cluster prod, namespace apps"
    assert within.what == "remediation may not get/patch deployments.apps (for scale_workload)"
    assert within.next.startswith(
        "srectl runbooks rbac --part namespaces --namespaces apps | kubectl apply --server-side"
    )
    assert "may not patch nodes (for drain_node)" in beyond.what
    assert "kubectl apply -k eks/apps/node-remediation" in beyond.next


def test_rights_are_asked_for_in_every_namespace_of_the_stack(patient: Patient) -> None:
    """`rbac` prints nothing where one that the catalogue is about is not named."""
    right = {"verb": "patch", "group": "apps", "resource": "deployments", "by": ["scale_workload"]}
    patient.inspected["namespaces"] = ["apps", "shop"]
    patient.inspected["missing"] = [{**right, "where": "target", "namespace": "shop"}]
    (found,) = patient.see(rights.CHECK)
    assert found.where == "cluster prod, namespace shop"
    assert "--namespaces apps,shop | kubectl" in found.next


def test_a_catalogue_that_needs_no_right_is_worth_a_warning(patient: Patient) -> None:
    patient.inspected["asked"] = 0
    assert "srectl runbooks publish" in worst(patient.see(rights.CHECK)).next


def test_admission_policy_that_is_gone(patient: Patient) -> None:
    patient.inspected["held"] = False
    found = worst(patient.see(admission.CHECK))
    assert found.severity is FAILED
    assert "kubectl apply -f eks/apps/base/remediation-policy.yaml" in found.next
    patient.inspected |= {"held": None, "tried": "there is no workload in apps"}
    found = worst(patient.see(admission.CHECK))
    assert (found.severity, found.what[-30:]) == (UNKNOWN, ": there is no workload in apps")


@pytest.mark.parametrize(
    ("changes", "severity", "words", "then"),
    [
        (
            {"ActionsEnabled": False},
            FAILED,
            "disabled",
            "enable-alarm-actions --alarm-names t-sre-dlq-audit",
        ),
        ({"AlarmActions": []}, FAILED, "does not tell the topic", "AuditDeadLettersAlarm"),
        (
            {"StateValue": "ALARM"},
            FAILED,
            "rings since 2026-11-27T10:00:00Z: Something is missing.",
            "srectl dlq show audit",
        ),
        ({"StateValue": "INSUFFICIENT_DATA"}, WARNING, "no data since", "describe-alarms"),
    ],
)
def test_alarms(
    patient: Patient, changes: dict[str, Any], severity: Severity, words: str, then: str
) -> None:
    there = patient.aws["cloudwatch"]["describe_alarms"]["MetricAlarms"]
    there[1] = alarm("t-sre-dlq-audit", **changes)
    found = worst(patient.see(alarms.CHECK))
    assert (found.severity, found.where) == (severity, "t-sre-dlq-audit")
    assert words in found.what
    assert then in found.next


def test_an_alarm_that_is_gone(patient: Patient) -> None:
    del patient.aws["cloudwatch"]["describe_alarms"]["MetricAlarms"][1]
    found = worst(patient.see(alarms.CHECK))
    assert (found.where, found.severity) == ("t-sre-dlq-audit", FAILED)
    assert "not there any more" in found.what


def test_no_data_for_some_minutes_is_no_news(patient: Patient) -> None:
    there = patient.aws["cloudwatch"]["describe_alarms"]["MetricAlarms"]
    there[1] = alarm(
        "t-sre-dlq-audit",
        StateValue="INSUFFICIENT_DATA",
        StateUpdatedTimestamp=NOW - datetime.timedelta(minutes=5),
    )
    assert [each.severity for each in patient.see(alarms.CHECK)] == [Severity.OK]


def test_the_canarys_alarm_may_ring_until_the_first_one_is_due(patient: Patient) -> None:
    there = patient.aws["cloudwatch"]["describe_alarms"]["MetricAlarms"]
    there[0] = alarm("t-sre-canary-absent", StateValue="ALARM")
    assert worst(patient.see(alarms.CHECK)).severity is FAILED
    described(patient)["LastUpdatedTime"] = NOW - datetime.timedelta(minutes=10)
    assert worst(patient.see(alarms.CHECK)).severity is NOTE


def test_dead_letters(patient: Patient) -> None:
    def attributes(QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        number = "2" if QueueUrl.endswith("t-sre-dlq-audit") else "0"
        return {"Attributes": {AttributeNames[0]: number, AttributeNames[1]: "1"}}

    patient.aws["sqs"]["get_queue_attributes"] = attributes
    found = {each.where: each for each in patient.see(dead_letters.CHECK)}
    assert found["t-sre-dlq-audit"].severity is FAILED
    assert "holds 3 messages: events that are not in the audit log" in found["t-sre-dlq-audit"].what
    assert "srectl dlq redrive audit --prefix t-" in found["t-sre-dlq-audit"].next


def test_dead_letters_of_a_queue_that_is_gone(patient: Patient) -> None:
    there = patient.aws["sqs"]["get_queue_url"]
    patient.aws["sqs"]["get_queue_url"] = lambda QueueName: (  # noqa: N803 - boto3's
        refused("AWS.SimpleQueueService.NonExistentQueue")
        if QueueName == "t-sre-dlq-audit"
        else there(QueueName=QueueName)
    )
    found = worst(patient.see(dead_letters.CHECK))
    assert (found.severity, found.where) == (FAILED, "t-sre-dlq-audit")
    assert "not there any more" in found.what


@pytest.mark.parametrize(
    ("reserved", "severity", "words"),
    [
        (0, FAILED, "takes no call at all"),
        (7, WARNING, "its concurrency is 7, and the parameters of the stack say 100"),
        (None, WARNING, "its concurrency is not reserved"),
    ],
)
def test_quotas_of_a_function(
    patient: Patient, reserved: int | None, severity: Severity, words: str
) -> None:
    def answered(FunctionName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        wanted = reserved if FunctionName == "t-alert-ingest" else 50
        return {} if wanted is None else {"ReservedConcurrentExecutions": wanted}

    patient.aws["lambda"]["get_function_concurrency"] = answered
    found = worst(patient.see(concurrency.CHECK))
    assert (found.severity, found.where) == (severity, "t-alert-ingest")
    assert words in found.what
    assert found.next == (
        "aws lambda put-function-concurrency --function-name t-alert-ingest "
        "--reserved-concurrent-executions 100"
    )


def test_quotas_of_the_account(patient: Patient) -> None:
    patient.aws["lambda"]["get_account_settings"] = {
        "AccountLimit": {"ConcurrentExecutions": 150, "UnreservedConcurrentExecutions": 0}
    }
    patient.aws["apigateway"]["get_account"]["throttleSettings"]["rateLimit"] = 10.0
    small, none, slow = patient.see(concurrency.CHECK)
    assert (small.severity, none.severity, slow.severity) == (WARNING, FAILED, WARNING)
    assert "the parameters reserve 150" in small.what
    assert "--quota-code L-B99A9384" in small.next
    assert "may make 50" in slow.what


def test_routes(patient: Patient) -> None:
    off = [{"Name": "t-sre-audit", "State": "DISABLED", "EventBusName": "t-sre-platform-events"}]
    patient.aws["events"]["list_rules"] = {"Rules": off}
    patient.aws["events"]["describe_connection"] = {"ConnectionState": "DEAUTHORIZED"}
    gone, disabled, connection = patient.see(routes.CHECK)
    assert {each.severity for each in (gone, disabled, connection)} == {FAILED}
    assert gone.where == "rule t-sre-incident-created"
    assert disabled.next.startswith(
        "aws events enable-rule --name t-sre-audit --event-bus-name t-sre-platform-events"
    )
    assert "DEAUTHORIZED" in connection.what


def test_routes_of_a_stack_that_other_accounts_forward_their_alarms_to(patient: Patient) -> None:
    patient.aws["cloudformation"]["list_stack_resources"]["StackResourceSummaries"].append(
        {
            "LogicalResourceId": "AlarmBus",
            "ResourceType": "AWS::Events::EventBus",
            "PhysicalResourceId": "t-sre-alarms",
        }
    )
    asked = []
    rules = patient.aws["events"]["list_rules"]

    def list_rules(**given: str) -> Any:
        asked.append(given["EventBusName"])
        return rules(**given)

    patient.aws["events"]["list_rules"] = list_rules
    patient.see(routes.CHECK)
    assert asked == ["t-sre-platform-events", "default", "t-sre-alarms"]


def test_the_view_from_outside_that_speaks_to_nobody(patient: Patient) -> None:
    known = patient.aws["cloudwatch"]["describe_alarms"]
    outside = [
        alarm("CheckoutNoHealthyTarget-prod-critical", AlarmActions=[]),
        alarm("CheckoutOther", AlarmActions=[TOPIC]),
    ]

    def listed(**given: Any) -> Any:
        return {"MetricAlarms": outside} if given["AlarmNamePrefix"] == "Checkout" else known

    patient.aws["cloudwatch"]["describe_alarms"] = listed
    set_parameter(patient, "CloudWatchAlarms", "on")
    assert len(patient.see(alarms.CHECK)) == 1
    set_parameter(patient, "CloudWatchAlarms", "off")
    found = worst(patient.see(alarms.CHECK))
    assert (found.severity, found.where) == (WARNING, "CheckoutNoHealthyTarget-prod-critical")
    assert "CloudWatchAlarms=off" in found.what
    outside[0]["AlarmActions"] = [TOPIC]
    assert len(patient.see(alarms.CHECK)) == 1


def test_an_alarm_that_is_only_called_like_ours_is_no_business_of_the_doctor(
    patient: Patient,
) -> None:
    there = patient.aws["cloudwatch"]["describe_alarms"]["MetricAlarms"]
    there.append({**there[0], "AlarmName": "t-sre-latency", "StateValue": "ALARM"})
    (found,) = patient.see(alarms.CHECK)
    assert found.severity is Severity.OK


def test_routes_of_a_stack_that_stands_by_and_is_heard_by_nobody(patient: Patient) -> None:
    well = patient.see(routes.CHECK)
    described(patient)["Parameters"].append(
        {"ParameterKey": "StandbyFor", "ParameterValue": "eu-west-1"}
    )
    lost = worst(patient.see(routes.CHECK))
    assert (lost.severity, lost.where) == (FAILED, "rule t-sre-standby")
    assert "eks/standby.yaml" in lost.next
    rules, more = patient.aws["events"]["list_rules"], {"State": "ENABLED", "Name": "t-sre-standby"}
    patient.aws["events"]["list_rules"] = lambda **asked: {
        "Rules": [*rules(**asked)["Rules"], {**more, "EventBusName": "t-sre-platform-events"}]
    }
    assert [each.what for each in patient.see(routes.CHECK)] == [each.what for each in well]


def test_heartbeat_of_a_canary_that_failed_or_stopped(patient: Patient) -> None:
    (last,) = patient.aws["stepfunctions"]["list_executions"]["executions"]
    last["status"] = "FAILED"
    failed = worst(patient.see(heartbeat.CHECK))
    assert "FAILED: the webhook did not take the alert" in failed.what
    assert last["executionArn"] in failed.next
    last["status"] = "SUCCEEDED"
    patient.now += datetime.timedelta(hours=1)
    assert "none since" in worst(patient.see(heartbeat.CHECK)).what
    patient.aws["scheduler"]["get_schedule"]["State"] = "DISABLED"
    assert "is disabled" in patient.see(heartbeat.CHECK)[0].what


@pytest.mark.parametrize(
    ("minutes", "severity", "words"),
    [
        (1, Severity.OK, "the last heartbeat came at"),
        (20, FAILED, "has been silent since"),
        (None, FAILED, "has sent no heartbeat for an hour, or none with the key of busy"),
    ],
    ids=["alive", "silent", "never heard"],
)
def test_monitoring_of_a_cluster(
    patient: Patient, minutes: int | None, severity: Severity, words: str
) -> None:
    described(patient)["Parameters"] = [
        {"ParameterKey": "Heartbeat2", "ParameterValue": "west=busy"}
    ]
    asked: list[dict[str, Any]] = []

    def statistics(**given: Any) -> dict[str, Any]:
        asked.append(given)
        ago = [] if minutes is None else [NOW - datetime.timedelta(minutes=minutes)]
        return {"Datapoints": [{"Timestamp": at, "Sum": 1.0} for at in ago]}

    patient.aws["cloudwatch"]["get_metric_statistics"] = statistics
    (found,) = patient.see(monitoring.CHECK)
    assert (found.severity, found.where) == (severity, "monitoring of west")
    assert words in found.what
    assert asked[0]["Dimensions"] == [{"Name": "cluster", "Value": "west"}]
    assert asked[0]["Namespace"] == "t-SREPlatform"


def test_links_that_lead_to_an_example(patient: Patient) -> None:
    asked: list[dict[str, Any]] = []
    dead = {"runbook": "https://runbooks.example.com/CheckoutDown", "page": "https://wiki.shop.net"}

    def query(**given: Any) -> dict[str, Any]:
        asked.append(given)
        said = {key: {"S": url} for key, url in dead.items()}
        item = {"alert_name": {"S": "CheckoutDown"}, "links": {"M": said}}
        status = given["ExpressionAttributeValues"][":status"]["S"]
        return {"Items": [item, {"alert_name": {"S": "Other"}}] if status == "resolved" else []}

    patient.aws["dynamodb"]["query"] = query
    (found,) = patient.see(links.CHECK)
    assert (found.severity, found.where) == (Severity.WARNING, "t-sre-incidents")
    assert "alerts CheckoutDown link to a host that is an example" in found.what
    assert dead["runbook"] in found.what
    assert "srectl install --from monitoring --set RUNBOOKS_URL=" in found.next
    assert len(asked) == 4  # of each status
    assert asked[0]["ExpressionAttributeValues"][":since"] == {"S": "2026-11-26T12:00:00Z"}
    # Whoever runs the doctor reads no more of an incident than that.
    assert {each["ProjectionExpression"] for each in asked} == {"alert_name, links"}
    set_parameter(patient, "SharedIncidentTable", "shared-incidents")
    assert patient.see(links.CHECK)[0].where == "shared-incidents"
    dead["runbook"] = "https://wiki.shop.net/CheckoutDown"
    (found,) = patient.see(links.CHECK)
    assert found.severity is Severity.OK


def test_links_of_a_stack_on_this_machine_are_a_note(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"runbook": {"S": "https://runbooks.example.com/CheckoutDown"}}
    patient.aws["dynamodb"]["query"] = {"Items": [{"links": {"M": said}}]}
    monkeypatch.setattr(Deployment, "endpoint", "http://127.0.0.1:4566")
    (found,) = patient.see(links.CHECK)
    assert found.severity is NOTE


def test_monitoring_that_nobody_watches_is_worth_a_note(patient: Patient) -> None:
    described(patient)["Parameters"] = []
    (found,) = patient.see(monitoring.CHECK)
    assert found.severity is NOTE
    assert "would not be noticed" in found.what
    assert "Heartbeat1" in found.next


def test_heartbeat_before_the_first_canary_and_without_any(patient: Patient) -> None:
    patient.aws["stepfunctions"]["list_executions"]["executions"] = []
    assert "none was ever sent" in worst(patient.see(heartbeat.CHECK)).what
    described(patient)["LastUpdatedTime"] = NOW
    assert worst(patient.see(heartbeat.CHECK)).severity is NOTE
    set_parameter(patient, "Canary", "off")
    assert "switched off" in worst(patient.see(heartbeat.CHECK)).what


def parameters(mode: str = "on", windows: str = "[]", modes: str = "{}") -> Any:
    """Answer for the switches as the parameter store does."""
    values = {
        "remediation-mode": mode,
        "maintenance-windows": windows,
        "runbook-modes": modes,
    }
    return lambda Name: {"Parameter": {"Value": values[Name.rpartition("/")[2]]}}  # noqa: N803


@pytest.mark.parametrize(
    ("mode", "severity"), [("off", WARNING), ("observe", NOTE), ("maybe", FAILED)]
)
def test_switches_that_hold_runbooks_back(patient: Patient, mode: str, severity: Severity) -> None:
    patient.aws["ssm"]["get_parameter"] = parameters(mode)
    found = worst(patient.see(holding_back.CHECK))
    assert found.severity is severity
    assert "srectl mode on --prefix t-" in found.next


def test_switches_name_a_window_that_is_open(patient: Patient) -> None:
    window = {"start": "2026-11-27T11:00:00Z", "end": "2026-11-27T13:00:00Z", "reason": "upgrade"}
    patient.aws["ssm"]["get_parameter"] = parameters(windows=json.dumps([window]))
    found = worst(patient.see(holding_back.CHECK))
    assert found.severity is NOTE
    assert "srectl maintenance remove 2026-11-27T11:00:00Z" in found.next


def test_switches_name_a_runbook_that_somebody_set_back_to_observing(patient: Patient) -> None:
    modes = '{"CheckoutDown": "observe", "DrainNode": "on"}'
    patient.aws["ssm"]["get_parameter"] = parameters(modes=modes)
    found = worst(patient.see(holding_back.CHECK))
    assert found.severity is NOTE
    assert found.what.startswith("CheckoutDown only say")
    assert "srectl runbooks enable CheckoutDown --prefix t-" in found.next


def test_code_that_is_another(patient: Patient) -> None:
    patient.packages["ingest"] = archive(
        {
            "alert_ingest/handler.py": "handler = 0\n",
            "alert_ingest/old.py": "",
            "alert_ingest/validation/generated/made.py": "",
            "requests/__init__.py": "",
        }
    )
    found = worst(patient.see(code.CHECK))
    assert (found.severity, found.where) == (WARNING, "t-alert-ingest")
    assert found.what == "was deployed from other code than this checkout: handler.py, old.py"
    assert "sam deploy" in found.next


def test_code_that_nobody_deployed(patient: Patient) -> None:
    before = patient.aws["lambda"]["get_function_configuration"]
    patient.aws["lambda"]["get_function_configuration"] = lambda FunctionName: {  # noqa: N803
        **before(FunctionName=FunctionName),
        "CodeSha256": "another",
    }
    for found, name in zip(patient.see(code.CHECK), ("ingest", "action"), strict=True):
        assert found.severity is FAILED
        assert "no deployment put there (changed 2026-11-26)" in found.what
        assert f"--s3-bucket bucket --s3-key t/{name} " in found.next


def test_code_that_cannot_be_fetched_or_cannot_run(patient: Patient) -> None:
    patient.packages["ingest"] = b"no archive"
    assert worst(patient.see(code.CHECK)).severity is UNKNOWN
    patient.packages["ingest"] = archive({"alert_ingest/handler.py": "handler = 1\n"})
    before = patient.aws["lambda"]["get_function_configuration"]
    patient.aws["lambda"]["get_function_configuration"] = lambda FunctionName: {  # noqa: N803
        **before(FunctionName=FunctionName),
        "State": "Failed",
        "LastUpdateStatus": "Failed",
    }
    bad = [each for each in patient.see(code.CHECK) if each.severity is FAILED]
    assert [each.where for each in bad] == ["t-alert-ingest"] * 2 + ["t-runbook-action"] * 2


def test_template_that_is_another(patient: Patient) -> None:
    template_file = patient.folder / "template.yaml"
    template_file.write_text(template_file.read_text().replace("Threshold: 1", "Threshold: 2"))
    (patient.folder / "machine.asl.yaml").write_text(MACHINE_TEXT + "# more\n")
    found = worst(patient.see(template.CHECK))
    assert found.severity is WARNING
    assert "Resource Alarm, machine.asl.yaml" in found.what


def test_template_of_an_upload_that_tells_no_digest(patient: Patient) -> None:
    answered = patient.aws["cloudformation"]["get_template"]
    answered["TemplateBody"] = re.sub("[0-9a-f]{32}", "x", answered["TemplateBody"])
    assert worst(patient.see(template.CHECK)).severity is UNKNOWN


def test_catalogue_that_is_another(patient: Patient) -> None:
    file = patient.folder / "runbooks" / "down.yaml"
    file.write_text(file.read_text().replace("on_failure: undo", "on_failure: keep"))
    found = worst(patient.see(published.CHECK))
    assert found.severity is WARNING
    assert "CheckoutDown are published otherwise" in found.what
    patient.aws["dynamodb"]["scan"]["Items"] = []
    assert worst(patient.see(published.CHECK)).severity is FAILED
    file.write_text("name: [")


@pytest.mark.parametrize("check", [code.CHECK, template.CHECK, published.CHECK])
def test_without_a_checkout_versions_are_not_checked(patient: Patient, check: Any) -> None:
    patient.folder = patient.folder / "nowhere"
    found = patient.see(check)
    assert {each.severity for each in found} == {UNKNOWN}
    assert "checkout" in found[0].what
