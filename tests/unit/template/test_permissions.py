"""Least privilege: what a role may do is named, resource by resource."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from tests.support.template import identity_statements, listed

#: Actions for which AWS knows no resource, by its service authorization reference.
WITHOUT_RESOURCES = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "cloudwatch:PutMetricData",
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}


def test_no_role_may_do_anything_to_everything(template: dict[str, Any]) -> None:
    statements = list(identity_statements(template))
    assert statements
    for role, statement in statements:
        actions = set(listed(statement["Action"]))
        assert not any("*" in action for action in actions), (role, actions)
        if "*" in listed(statement["Resource"]):
            assert actions <= WITHOUT_RESOURCES, (role, actions - WITHOUT_RESOURCES)


def test_every_statement_has_a_name(template: dict[str, Any]) -> None:
    for role, statement in identity_statements(template):
        assert statement.get("Sid"), (role, statement)


def test_every_function_and_machine_has_a_role_of_its_own(template: dict[str, Any]) -> None:
    named = {"AWS::Serverless::Function": "Role", "AWS::StepFunctions::StateMachine": "RoleArn"}
    roles = [
        resource["Properties"][named[resource["Type"]]]["Fn::GetAtt"][0]
        for resource in template["Resources"].values()
        if resource["Type"] in named
    ]
    assert len(roles) == len(set(roles)) == 14


# Its role, and the policies that it has where their parameters list something.
_OF_THE_FUNCTION = {"RunbookActionRole", "RunAutomationPolicy", "InvokeChecksPolicy"}


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_function_is_granted_what_its_actions_declare(
    template: dict[str, Any], name: str
) -> None:
    granted = {
        action
        for role, statement in identity_statements(template)
        if role in _OF_THE_FUNCTION
        for action in listed(statement["Action"])
    }
    assert set(REGISTRY[name].aws_rights) <= granted


@pytest.mark.parametrize("service", ["events.amazonaws.com", "sns.amazonaws.com"])
def test_a_service_is_trusted_for_this_account_only(template: dict[str, Any], service: str) -> None:
    kinds = {"AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"}
    found = 0
    for name, resource in template["Resources"].items():
        if resource["Type"] not in kinds:
            continue
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            if statement.get("Principal", {}) != {"Service": service}:
                continue
            found += 1
            assert "aws:SourceArn" in statement["Condition"]["ArnEquals"], name
    assert found
