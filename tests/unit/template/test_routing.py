"""Nothing accepted is lost: wherever an event goes, what cannot be delivered is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ministack.services.eventbridge import _matches_pattern

from srectl.operate.replay import RULES
from tests.support.template import of_type


def test_every_target_of_a_rule_has_a_retry_policy_and_a_dead_letter_queue(
    template: dict[str, Any],
) -> None:
    rules = of_type(template, "AWS::Events::Rule")
    assert rules
    for name, rule in rules.items():
        for target in rule["Targets"]:
            # Chat is told within ten minutes or not at all; everybody else later rather than never.
            least = 600 if name == "SlackRule" else 3600
            age = target["RetryPolicy"]["MaximumEventAgeInSeconds"]
            assert age >= least, (name, target["Id"])
            queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
            assert queue in of_type(template, "AWS::SQS::Queue")


def test_each_rule_may_send_to_the_dead_letter_queues_it_names(template: dict[str, Any]) -> None:
    allowed = set()
    for policy in of_type(template, "AWS::SQS::QueuePolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            statement = statement.get("Fn::If", [None, statement])[1]
            sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
            for given in sources if isinstance(sources, list) else [sources]:
                source = given.get("Fn::If", [None, given])[1]
                name = source.get("Fn::GetAtt", [source.get("Ref")])[0]
                allowed.add((name, statement["Resource"]["Fn::GetAtt"][0]))
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            assert (name, target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]) in allowed


def test_a_full_or_failing_webhook_answers_503_because_429_is_never_retried(
    template: dict[str, Any],
) -> None:
    answers = template["Resources"]["WebhookApi"]["Properties"]["GatewayResponses"]
    for kind in ("THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"):
        assert answers[kind]["StatusCode"] == 503


def test_the_pager_hears_of_critical_incidents_and_of_the_platforms_own_alarms(
    template: dict[str, Any],
) -> None:
    pager = template["Resources"]["PagerDutySubscription"]["Properties"]
    assert pager["FilterPolicyScope"] == "MessageBody"
    assert pager["FilterPolicy"] == {
        "$or": [{"severity": ["critical"]}, {"AlarmName": [{"exists": True}]}]
    }


TO_ALERT_INGEST = ("AlarmsRule", "HealthRule", "ForwardedAlarmsRule")
OF_THEIR_OWN = ("AuditRule", "ChatRule", *TO_ALERT_INGEST)


def test_only_these_rules_and_this_topic_may_call_alert_ingest(template: dict[str, Any]) -> None:
    """Invariant 9: what AWS tells comes by them alone, each named in the function's policy."""
    sources = set()
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        if permission["FunctionName"] == {"Ref": "ChatActionsFunction"}:
            assert permission["SourceArn"] == {"Fn::GetAtt": ["ChatRule", "Arn"]}
            continue
        assert permission["FunctionName"] == {"Ref": "AlertIngestFunction"}
        source = permission["SourceArn"]
        sources.add(source.get("Fn::GetAtt", [source.get("Ref")])[0])
    assert sources == {*TO_ALERT_INGEST, "NoticeTopic"}
    for name in TO_ALERT_INGEST:
        rule = template["Resources"][name]["Properties"]
        [target] = rule["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": ["AlertIngestFunction", "Arn"]}
        # Nobody can put such a source, and EventBridge sets the account.
        assert set(rule["EventPattern"]["source"]) <= {"aws.cloudwatch", "aws.health"}
        assert rule["EventPattern"]["account"] in (
            [{"Ref": "AWS::AccountId"}],
            {"Ref": "AlarmAccounts"},
        )


def test_other_accounts_put_alarms_onto_their_own_bus_and_nothing_else(
    template: dict[str, Any],
) -> None:
    statement = template["Resources"]["AlarmBusPolicy"]["Properties"]["Statement"]
    assert statement["Principal"] == {"AWS": {"Ref": "AlarmAccounts"}}
    sources = statement["Condition"]["StringEquals"]["events:source"]
    assert sources == ["aws.cloudwatch", "aws.health"]
    rule = template["Resources"]["ForwardedAlarmsRule"]["Properties"]
    assert rule["EventBusName"] == {"Ref": "AlarmBus"}


def test_the_platforms_own_alarms_are_no_incidents(template: dict[str, Any]) -> None:
    """One that became an incident might set off the next; the function looks a second time."""
    own = [alarm["AlarmName"] for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()]
    pattern = template["Resources"]["AlarmsRule"]["Properties"]["EventPattern"]
    assert pattern["detail"] == {"alarmName": [{"anything-but": own}]}
    ingest = template["Resources"]["AlertIngestFunction"]["Properties"]
    assert ingest["Environment"]["Variables"]["OWN_ALARMS"] == {"Fn::Join": [",", own]}
    # The alarms are looked up by this (srectl doctor), which takes those of others along.
    assert all(name["Fn::Sub"].startswith("${NamePrefix}sre-") for name in own)
    # EventBridge takes patterns of 2,048 characters, a function variables of 4 KB.
    longest = "a" * 19 + "-"
    text = json.dumps([name["Fn::Sub"].replace("${NamePrefix}", longest) for name in own])
    assert len(text) < 1700


def test_what_is_said_of_the_platforms_own_alarms_is_said_of_no_other(
    template: dict[str, Any],
) -> None:
    own = [alarm["AlarmName"] for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()]
    for name in ("AlarmOverRule", "PagerAlarmRule", "PagerAlarmOverRule"):
        pattern = template["Resources"][name]["Properties"]["EventPattern"]
        assert pattern["detail"]["alarmName"] == own, name
        assert pattern["account"] == [{"Ref": "AWS::AccountId"}]


def test_whoever_watches_the_incidents_is_told_by_the_notifier_alone(
    template: dict[str, Any],
) -> None:
    """No rule speaks to the topic itself: as a service it could not, while that is encrypted."""
    rules = of_type(template, "AWS::Events::Rule")
    assert '"Ref": "NotificationTopic"' not in json.dumps(rules)
    for name, rule in rules.items():
        for target in rule["Targets"]:
            # A log group and a function have policies of their own; all else is called as a role.
            assert ("RoleArn" in target) is (name not in OF_THEIR_OWN), name
    announced = {
        kind
        for rule in rules.values()
        for target in rule["Targets"]
        if target["Arn"] == {"Ref": "IncidentNotifier"}
        for kind in rule["EventPattern"]["detail-type"]
    }
    assert announced == {
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


def test_key_and_topic_let_services_in_as_aws_documents_it(template: dict[str, Any]) -> None:
    """EventBridge names no source where it uses a key for another service's sake."""
    key = template["Resources"]["PlatformKey"]["Properties"]["KeyPolicy"]["Statement"]
    by_name = {statement["Sid"]: statement for statement in key}
    for_queues = by_name["RulesSendToDeadLetterQueues"]
    assert for_queues["Principal"] == {"Service": "events.amazonaws.com"}
    assert set(for_queues["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert "Condition" not in for_queues
    others = by_name["ServicesThatSendToTopicAndQueues"]
    who_pays = ["budgets.amazonaws.com", "costalerts.amazonaws.com"]
    services = ["sns.amazonaws.com", "cloudwatch.amazonaws.com", *who_pays]
    assert others["Principal"]["Service"] == services
    assert "aws:SourceAccount" in others["Condition"]["StringEquals"]
    policies = of_type(template, "AWS::SNS::TopicPolicy")
    speakers = {
        "NotificationTopicPolicy": "cloudwatch.amazonaws.com",
        "NoticeTopicPolicy": who_pays,
    }
    assert policies.keys() == speakers.keys()
    for name, service in speakers.items():
        [statement] = policies[name]["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": service}
        assert "Condition" in statement


def test_a_log_group_is_a_target_by_its_name(template: dict[str, Any]) -> None:
    [target] = template["Resources"]["AuditRule"]["Properties"]["Targets"]
    assert target["Arn"]["Fn::Sub"].endswith(":log-group:${AuditLogs}")
    policy = template["Resources"]["AuditLogsPolicy"]["Properties"]["PolicyDocument"]
    streams, lines = json.loads(policy["Fn::Sub"])["Statement"]
    assert (streams["Action"], "Condition" in streams) == ("logs:CreateLogStream", False)
    assert lines["Action"] == "logs:PutLogEvents"
    assert lines["Condition"] == {"ArnEquals": {"aws:SourceArn": "${AuditRule.Arn}"}}


def test_a_first_deployment_mails_no_storm_of_alarms_that_are_well(
    template: dict[str, Any],
) -> None:
    """``OKActions`` also fire on the first data; the end of an alarm comes from a rule."""
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        assert not {"OKActions", "InsufficientDataActions"} & set(alarm), name
    pattern = template["Resources"]["AlarmOverRule"]["Properties"]["EventPattern"]
    assert pattern["detail"]["state"] == {"value": ["OK"]}
    assert pattern["detail"]["previousState"] == {"value": ["ALARM"]}


def test_what_no_queue_took_either_is_watched_on_every_rule_but_that_of_chat(
    template: dict[str, Any],
) -> None:
    watched = {}
    for alarm in ("EventsLostAlarm", "AlarmsLostAlarm", "ClimberFailedAlarm"):
        queries = template["Resources"][alarm]["Properties"]["Metrics"]
        every = [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]
        stats = [each for each in every if each["MetricName"] != "ExecutionsFailed"]
        assert {each["MetricName"] for each in stats} == {"InvocationsFailedToBeSentToDlq"}
        assert len(stats) <= 10, "an alarm takes no more"
        for each in stats:
            dimensions = {one["Name"]: one["Value"] for one in each["Dimensions"]}
            watched[dimensions["RuleName"]["Fn::Sub"]] = "EventBusName" in dimensions
        used = next(query["Expression"] for query in queries if "Expression" in query)
        assert all(f"FILL(l{number}, 0)" in used for number in range(1, len(stats) + 1))
    rules = {
        rule["Name"]["Fn::Sub"]: "EventBusName" in rule
        for name, rule in of_type(template, "AWS::Events::Rule").items()
        # Chat is old news in ten minutes, a card is shown anew by the next news, and the rule of
        # Opsgenie only ends pages.
        if name not in ("SlackRule", "ChatRule", "OpsgenieRule")
    }
    assert watched == rules


def test_stored_data_is_encrypted_with_the_platform_key(template: dict[str, Any]) -> None:
    key = {"Fn::GetAtt": ["PlatformKey", "Arn"]}
    for name, table in of_type(template, "AWS::DynamoDB::Table").items():
        assert table["SSESpecification"]["KMSMasterKeyId"] == key, name
    for name, group in of_type(template, "AWS::Logs::LogGroup").items():
        assert (group["KmsKeyId"], group["RetentionInDays"]) == (key, 30), name
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        for name, resource in of_type(template, kind).items():
            assert resource["KmsMasterKeyId"] == {"Ref": "PlatformKey"}, name


def test_every_queue_has_an_alarm_that_tells_somebody(template: dict[str, Any]) -> None:
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    topic = [{"Ref": "NotificationTopic"}]
    watched = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for alarm in alarms.values()
        if alarm.get("Namespace") == "AWS/SQS"
    }
    assert watched == set(of_type(template, "AWS::SQS::Queue"))
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == topic, name
    silence = {
        name: alarm["TreatMissingData"]
        for name, alarm in alarms.items()
        if alarm["TreatMissingData"] != "notBreaching"
    }
    # Silence is the fault itself, and the age of incidents is not known without the canary.
    silent = {f"MonitoringSilentAlarm{place}": "breaching" for place in (1, 2, 3, 4)}
    assert silence == {"CanaryAbsentAlarm": "breaching", "IncidentStuckAlarm": "ignore", **silent}


def test_a_replay_can_fill_in_records_without_starting_or_announcing_anything(
    template: dict[str, Any],
) -> None:
    recorder = {"Ref": "IncidentRecorder"}
    bus = {"Ref": "EventBus"}
    rules = of_type(template, "AWS::Events::Rule").values()
    recording = [
        rule
        for rule in rules
        if rule.get("EventBusName") == bus
        and any(target["Arn"] == recorder for target in rule["Targets"])
    ]
    assert [[target["Arn"] for target in rule["Targets"]] for rule in recording] == [[recorder]]
    assert set(recording[0]["EventPattern"]["detail-type"]) >= {
        "incident.created",
        "incident.resolved",
        "action.completed",
    }
    assert recording[0]["Name"] == {"Fn::Sub": "${NamePrefix}" + RULES["records"]}


def test_an_alarm_on_a_rule_names_a_rule_that_there_is(template: dict[str, Any]) -> None:
    names = [rule["Name"] for rule in of_type(template, "AWS::Events::Rule").values()]
    watched = [
        dimension["Value"]
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        for query in alarm.get("Metrics", [])
        for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "RuleName"
    ]
    assert watched
    assert [name for name in watched if name not in names] == []


def test_slack_is_reached_by_an_api_destination_with_three_tries_in_ten_minutes(
    template: dict[str, Any],
) -> None:
    rule = template["Resources"]["SlackRule"]
    assert rule["Condition"] == "HasSlack"
    [target] = rule["Properties"]["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["SlackDestination", "Arn"]}
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600}
    destination = template["Resources"]["SlackDestination"]["Properties"]
    assert destination["InvocationEndpoint"] == {"Ref": "SlackWebhookUrl"}


def test_the_pager_is_tried_three_more_times_within_ten_minutes(template: dict[str, Any]) -> None:
    policy = template["Resources"]["PagerDutySubscription"]["Properties"]["DeliveryPolicy"]
    retries = policy["healthyRetryPolicy"]
    assert retries["numRetries"] == 3
    waits = [min(retries["maxDelayTarget"], retries["minDelayTarget"] * 2**n) for n in range(3)]
    assert sum(waits) <= 600


def test_a_call_of_a_function_that_fails_unheard_is_kept(template: dict[str, Any]) -> None:
    queue = {"Fn::GetAtt": ["FunctionDeadLetters", "Arn"]}
    for name, function in of_type(template, "AWS::Serverless::Function").items():
        destination = function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
        assert destination == {"Type": "SQS", "Destination": queue}, name
        role = template["Resources"][function["Role"]["Fn::GetAtt"][0]]["Properties"]
        statements = [
            statement
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert any(
            (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", queue)
            for statement in statements
        ), name
        # The queue is encrypted, so whoever sends to it needs the key.
        assert any("kms:GenerateDataKey" in statement["Action"] for statement in statements), name


def test_only_a_runbook_repeats_a_step(template: dict[str, Any]) -> None:
    action = template["Resources"]["RunbookActionFunction"]["Properties"]
    assert action["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


def test_what_a_test_button_sends_starts_no_runbook_and_tells_nobody(
    template: dict[str, Any],
) -> None:
    rules = of_type(template, "AWS::Events::Rule")
    for name, left_out in (
        ("IncidentCreatedRule", ["test"]),
        ("IncidentResolvedRule", ["canary", "test"]),
    ):
        purpose = rules[name]["EventPattern"]["detail"]["data"]["purpose"]
        assert purpose == [{"exists": False}, {"anything-but": left_out}]
    assert "detail" not in rules["IncidentRecordsRule"]["EventPattern"]


@pytest.mark.parametrize(
    ("data", "told", "waits"),
    [
        ({"reason_code": "not-resolved"}, True, True),
        ({"reason_code": "runbook-abandoned", "purpose": "alert"}, True, True),
        ({"reason_code": "restore-failed"}, True, False),
        ({"reason_code": "flood", "purpose": "alert"}, False, False),
        ({"reason_code": "flood-alone", "purpose": "alert"}, True, True),
        ({"reason_code": "not-resolved", "purpose": "canary"}, False, False),
        ({"reason_code": "not-resolved", "purpose": "test"}, False, False),
    ],
)
def test_nothing_is_started_for_a_call_that_nobody_is_told_of_or_waits_for(
    template: dict[str, Any], data: dict[str, str], told: bool, waits: bool
) -> None:
    rules = of_type(template, "AWS::Events::Rule")
    event = {"Source": "sre.runbook", "DetailType": "incident.escalated"}
    event["Detail"] = json.dumps({"data": data})
    for name, wanted in (("IncidentEscalatedRule", told), ("IncidentCallsRule", waits)):
        assert _matches_pattern(json.dumps(rules[name]["EventPattern"]), event) is wanted, name


@pytest.mark.parametrize("kind", ["acknowledged", "released", "closed", "climbed", "undo-asked"])
def test_what_a_human_does_is_told_whatever_the_incident_was_called_for(
    template: dict[str, Any], kind: str
) -> None:
    rules = of_type(template, "AWS::Events::Rule")
    event = {"Source": "sre.operator", "DetailType": f"incident.{kind}"}
    event["Detail"] = json.dumps({"data": {"incident_id": "i", "by": "ada"}})
    assert _matches_pattern(json.dumps(rules["IncidentEscalatedRule"]["EventPattern"]), event)
    waits = _matches_pattern(json.dumps(rules["IncidentCallsRule"]["EventPattern"]), event)
    assert waits is (kind == "released")


def test_a_card_hears_of_what_is_given_back(template: dict[str, Any]) -> None:
    heard = template["Resources"]["ChatRule"]["Properties"]["EventPattern"]["detail-type"]
    assert {"incident.acknowledged", "incident.released", "incident.undo-asked"} <= set(heard)
