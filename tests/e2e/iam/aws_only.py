"""The statements that only AWS itself can miss: the local AWS does not ask for them, or has no use.

Each is tied to what makes AWS ask, read from the template: if that goes, the statement has to go.
That the local AWS does not ask is shown by the test, which runs everything without them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.e2e.iam.grants import Grant, referred, template
from tests.support.template import listed

Reason = Callable[[Grant], bool]
#: A table's index, as a policy names it.
_INDEX = re.compile(r"\{'Fn::Sub': '\$\{(\w+)\.Arn\}/index/")


# What runs with a role, and the property that names it.
_RUN = {"AWS::Serverless::Function": "Role", "AWS::StepFunctions::StateMachine": "RoleArn"}


def _of_role(grant: Grant) -> list[Mapping[str, Any]]:
    """Give the functions and machines that have the grant's role."""
    role = {"Fn::GetAtt": [grant.role, "Arn"]}
    return [
        resource["Properties"]
        for resource in template()["Resources"].values()
        if resource["Type"] in _RUN and resource["Properties"][_RUN[resource["Type"]]] == role
    ]


def _statements(grant: Grant) -> list[Mapping[str, Any]]:
    resource = template()["Resources"][grant.role]["Properties"]
    return [
        statement
        for policy in resource["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def traces(grant: Grant) -> bool:
    """X-Ray takes segments from functions and machines that trace."""
    globally = template()["Globals"]["Function"].get("Tracing") == "Active"
    return all(
        each["TracingConfiguration"] == {"Enabled": True} if "RoleArn" in each else globally
        for each in _of_role(grant)
    )


def delivers_logs(grant: Grant) -> bool:
    """Step Functions sets up the delivery of a machine's log as the machine's role."""
    return all(each["LoggingConfiguration"]["Destinations"] for each in _of_role(grant))


def writes_logs(grant: Grant) -> bool:
    """Lambda writes a function's log as the function's role, into the group that it names."""
    (statement,) = [each for each in _statements(grant) if each["Sid"] == grant.sid]
    group = statement["Resource"]["Fn::GetAtt"][0]
    return all(each["LoggingConfig"]["LogGroup"] == {"Ref": group} for each in _of_role(grant))


def uses_what_is_encrypted(grant: Grant) -> bool:
    """SQS, SNS, DynamoDB and Step Functions use a key of ours as whoever calls them."""
    if any("EncryptionConfiguration" in each for each in _of_role(grant)):
        return True
    reached = {
        referred(resource)
        for statement in _statements(grant)
        for resource in listed(statement["Resource"])
        if isinstance(resource, dict) and ("Ref" in resource or "Fn::GetAtt" in resource)
    }
    indexes = (_INDEX.match(str(statement["Resource"])) for statement in _statements(grant))
    reached |= {found[1] for found in indexes if found}
    resources = template()["Resources"]
    return any(
        properties.get("KmsMasterKeyId") or properties.get("SSESpecification", {}).get("SSEEnabled")
        for properties in (resources[name]["Properties"] for name in reached)
    )


def is_taken_by_the_scheduler(grant: Grant) -> bool:
    """EventBridge Scheduler starts its target as the role that the schedule names."""
    (statement,) = [each for each in _statements(grant) if each["Sid"] == grant.sid]
    targets = [
        resource["Properties"]["Target"]
        for resource in template()["Resources"].values()
        if resource["Type"] == "AWS::Scheduler::Schedule"
    ]
    role = {"Fn::GetAtt": [grant.role, "Arn"]}
    return [each["Arn"] for each in targets if each["RoleArn"] == role] == [statement["Resource"]]


def is_kept_by_the_scheduler(grant: Grant) -> bool:
    """EventBridge Scheduler also keeps, as that role, what it could not start its target with."""
    role = {"Fn::GetAtt": [grant.role, "Arn"]}
    (queue,) = {
        resource["Properties"]["Target"]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
        for resource in template()["Resources"].values()
        if resource["Type"] == "AWS::Scheduler::Schedule"
        and resource["Properties"]["Target"]["RoleArn"] == role
    }
    sends = {"Fn::GetAtt": [queue, "Arn"]} in [each["Resource"] for each in _statements(grant)]
    return sends and bool(template()["Resources"][queue]["Properties"]["KmsMasterKeyId"])


def keeps_failed_calls(grant: Grant) -> bool:
    """Lambda sends a call that failed unheard to its destination as the function's role."""
    (statement,) = [each for each in _statements(grant) if each["Sid"] == grant.sid]
    return all(
        each["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]
        == statement["Resource"]
        for each in _of_role(grant)
    )


def reads_secure_parameters(grant: Grant) -> bool:
    """SSM encrypts and decrypts a SecureString, the degraded mode, as whoever calls it."""
    return any("checkout/degraded_mode" in str(each["Resource"]) for each in _statements(grant))


def is_of_a_list_that_is_empty(grant: Grant) -> bool:
    """Only a deployment that lists documents or checks has it; that of these tests lists none."""
    found = template()
    condition = found["Conditions"][found["Resources"][grant.role]["Condition"]]
    joined, empty = condition["Fn::Not"][0]["Fn::Equals"]
    parameter = joined["Fn::Join"][1]["Ref"]
    return bool(empty == found["Parameters"][parameter]["Default"] == "")


def is_of_a_slack_app(grant: Grant) -> bool:
    """Only a deployment that names a Slack app has it; that of these tests names none."""
    found = template()
    condition = found["Conditions"][found["Resources"][grant.role]["Condition"]]
    parameter, empty = condition["Fn::Not"][0]["Fn::Equals"]
    return bool(empty == found["Parameters"][parameter["Ref"]]["Default"] == "")


CHAT = (
    "ChatActionsRole.ReadTheSecretOfTheApp",
    "ChatActionsRole.ReadIncidentsAndNoteAnswers",
    "ChatActionsRole.KeepCards",
    "ChatActionsRole.AnswerRunbooks",
    "ChatActionsRole.TakeBackWhatRunbooksLeft",
    "ChatActionsRole.LeaveATargetAlone",
    "ChatActionsRole.TellWhatPeopleHaveSaid",
    "ChatActionsRole.CallItselfLater",
    "ChatActionsRole.UseTheKey",
    "ChatActionsRole.KeepFailedCalls",
    "ChatActionsRole.WriteLogs",
    "ChatActionsRole.Trace",
)
AWS_ONLY: dict[str, Reason] = {
    "AlertIngestRole.EncryptParkedAlerts": uses_what_is_encrypted,
    "AlertIngestRole.WriteLogs": writes_logs,
    "AlertIngestRole.Trace": traces,
    "IncidentRecorderRole.UseTheKey": uses_what_is_encrypted,
    "IncidentRecorderRole.DeliverLogs": delivers_logs,
    "IncidentRecorderRole.Trace": traces,
    "IncidentNotifierRole.UseTheKey": uses_what_is_encrypted,
    "IncidentNotifierRole.DeliverLogs": delivers_logs,
    "IncidentNotifierRole.Trace": traces,
    "IncidentDigestRole.UseTheKey": uses_what_is_encrypted,
    "IncidentDigestRole.DeliverLogs": delivers_logs,
    "IncidentDigestRole.Trace": traces,
    "MorningDigestRole.UseTheKey": uses_what_is_encrypted,
    "MorningDigestRole.DeliverLogs": delivers_logs,
    "MorningDigestRole.Trace": traces,
    "MorningDigestScheduleRole.StartMorningDigest": is_taken_by_the_scheduler,
    "MorningDigestScheduleRole.KeepWhatCannotBeTold": is_kept_by_the_scheduler,
    "MorningDigestScheduleRole.UseTheKey": is_kept_by_the_scheduler,
    "RemediationStepRole.UseTheKey": uses_what_is_encrypted,
    "RemediationStepRole.DeliverLogs": delivers_logs,
    "RemediationStepRole.Trace": traces,
    "IncidentRestorerRole.UseTheKey": uses_what_is_encrypted,
    "IncidentRestorerRole.DeliverLogs": delivers_logs,
    "IncidentRestorerRole.Trace": traces,
    "IncidentResponseRunbookRole.UseTheKey": uses_what_is_encrypted,
    "IncidentResponseRunbookRole.DeliverLogs": delivers_logs,
    "IncidentResponseRunbookRole.Trace": traces,
    "AlertIngestRole.KeepFailedCalls": keeps_failed_calls,
    "RunbookActionRole.EncryptDegradedModeAndFailedCalls": reads_secure_parameters,
    "RunbookActionRole.KeepFailedCalls": keeps_failed_calls,
    "RunbookActionRole.WriteLogs": writes_logs,
    "RunbookActionRole.Trace": traces,
    "RunAutomationPolicy.StartListedDocuments": is_of_a_list_that_is_empty,
    "RunAutomationPolicy.WatchAndStopThem": is_of_a_list_that_is_empty,
    "InvokeChecksPolicy.AskListedChecks": is_of_a_list_that_is_empty,
    **dict.fromkeys(CHAT, is_of_a_slack_app),
    "CheckoutServiceRole.DecryptSwitches": reads_secure_parameters,
    "CanaryScheduleRole.StartCanary": is_taken_by_the_scheduler,
    "IncidentCloserRole.UseTheKey": uses_what_is_encrypted,
    "IncidentCloserRole.DeliverLogs": delivers_logs,
    "IncidentCloserRole.Trace": traces,
    "CloserScheduleRole.StartCloser": is_taken_by_the_scheduler,
    "IncidentEvidenceRole.UseTheKey": uses_what_is_encrypted,
    "IncidentEvidenceRole.DeliverLogs": delivers_logs,
    "IncidentEvidenceRole.Trace": traces,
    "IncidentClimberRole.UseTheKey": uses_what_is_encrypted,
    "IncidentClimberRole.DeliverLogs": delivers_logs,
    "IncidentClimberRole.Trace": traces,
    "PlatformCanaryRole.UseTheKey": uses_what_is_encrypted,
    "PlatformCanaryRole.DeliverLogs": delivers_logs,
    "PlatformCanaryRole.Trace": traces,
}
