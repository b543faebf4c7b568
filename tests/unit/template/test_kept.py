"""An existing deployment can be updated: what it keeps has the logical id and the name it had.

CloudFormation makes a resource anew whose logical id changes. One that is kept (``Retain``) still
has its name then, so that the update fails; a queue that is not kept goes with what is in it.
"""

from __future__ import annotations

from typing import Any

KEPT = {
    "IncidentTable": "sre-incidents",
    "RunbookTable": "sre-runbooks",
    "GuardTable": "sre-remediation-guard",
    "WebhookAccessLogs": "/aws/apigateway/sre-alert-webhook",
    "AlertIngestLogs": "/aws/lambda/alert-ingest",
    "RunbookActionLogs": "/aws/lambda/runbook-action",
    "ChatActionsLogs": "/aws/lambda/chat-actions",
    "AuditLogs": "/aws/events/sre-platform-audit",
    "IncidentRecorderLogs": "/aws/states/incident-recorder",
    "IncidentNotifierLogs": "/aws/states/incident-notifier",
    "IncidentDigestLogs": "/aws/states/incident-digest",
    "MorningDigestLogs": "/aws/states/morning-digest",
    "IncidentResponseRunbookLogs": "/aws/states/incident-response-runbook",
    "PlatformCanaryLogs": "/aws/states/platform-canary",
    "RemediationStepLogs": "/aws/states/remediation-step",
    "IncidentRestorerLogs": "/aws/states/incident-restorer",
    "IncidentCloserLogs": "/aws/states/incident-closer",
    "IncidentEvidenceLogs": "/aws/states/incident-evidence",
    "IncidentClimberLogs": "/aws/states/incident-climber",
    "EvidenceBucket": "sre-evidence-${AWS::AccountId}-${AWS::Region}",
    "ParkingQueue": "sre-parked-events",
    "RecorderDeadLetters": "sre-dlq-recorder",
    "RunbookDeadLetters": "sre-dlq-runbook",
    "NotificationDeadLetters": "sre-dlq-notifications",
    "AuditDeadLetters": "sre-dlq-audit",
    "FunctionDeadLetters": "sre-dlq-functions",
}
NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
}


def test_what_holds_data_has_the_id_and_the_name_it_was_deployed_with(
    template: dict[str, Any],
) -> None:
    found = {
        name: each["Properties"][NAMES[each["Type"]]]["Fn::Sub"].replace("${NamePrefix}", "")
        for name, each in template["Resources"].items()
        if each["Type"] in NAMES
    }
    assert {name: found.get(name) for name in KEPT} == KEPT


def test_tables_log_groups_and_the_key_outlive_the_stack(template: dict[str, Any]) -> None:
    kept = {"AWS::DynamoDB::Table", "AWS::Logs::LogGroup", "AWS::KMS::Key", "AWS::S3::Bucket"}
    for name, each in template["Resources"].items():
        if each["Type"] in kept:
            policies = (each["DeletionPolicy"], each["UpdateReplacePolicy"])
            assert policies == ("RetainExceptOnCreate", "Retain"), name


def test_a_creation_that_fails_leaves_nothing_whose_name_the_next_one_needs(
    template: dict[str, Any],
) -> None:
    policies = {each.get("DeletionPolicy") for each in template["Resources"].values()}
    assert policies == {None, "RetainExceptOnCreate"}
    # What is protected cannot be taken away again either (ROLLBACK_FAILED).
    assert template["Parameters"]["DeletionProtection"]["Default"] == "false"
