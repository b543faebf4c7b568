"""The histories of the machines are encrypted with the platform's key, which they may use."""

from __future__ import annotations

from typing import Any

from tests.support.template import listed, of_type

OURS = {
    "Type": "CUSTOMER_MANAGED_KMS_KEY",
    "KmsKeyId": {"Fn::GetAtt": ["PlatformKey", "Arn"]},
    "KmsDataKeyReusePeriodSeconds": 900,
}
# EventBridge tells of their end, and its event must hold their input.
BY_CHOICE = {"IncidentResponseRunbook", "IncidentRestorer"}


def test_every_history_has_our_key_or_may_have_it(template: dict[str, Any]) -> None:
    machines = of_type(template, "AWS::StepFunctions::StateMachine")
    assert len(machines) == 11
    chosen = {"Fn::If": ["EncryptsRunbookHistory", OURS, {"Ref": "AWS::NoValue"}]}
    for name, machine in machines.items():
        assert machine["EncryptionConfiguration"] == (chosen if name in BY_CHOICE else OURS), name


def test_only_those_whose_input_eventbridge_has_to_tell_are_by_choice(
    template: dict[str, Any],
) -> None:
    patterns = [
        rule["EventPattern"]["detail"]["stateMachineArn"]
        for rule in of_type(template, "AWS::Events::Rule").values()
        if rule.get("EventPattern", {}).get("source") == ["aws.states"]
    ]
    assert {arn["Ref"] for arns in patterns for arn in arns} == BY_CHOICE


def test_every_machine_may_use_the_key_and_the_delivery_of_its_logs_may(
    template: dict[str, Any],
) -> None:
    for machine in of_type(template, "AWS::StepFunctions::StateMachine").values():
        role = template["Resources"][machine["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
        granted = {
            action
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Resource"] == OURS["KmsKeyId"]
            for action in listed(statement["Action"])
        }
        assert {"kms:GenerateDataKey", "kms:Decrypt"} <= granted, machine["StateMachineName"]
    (key,) = of_type(template, "AWS::KMS::Key").values()
    (logs,) = [
        each
        for each in key["KeyPolicy"]["Statement"]
        if each["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    ]
    assert logs["Action"] == "kms:Decrypt"
    assert logs["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
