"""Which clusters a deployment lets runbook-action find: those that its parameters name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.support.template import deployed

pytestmark = pytest.mark.localaws

SPARES = [f"arn:aws:eks:us-east-1:000000000000:cluster/{name}" for name in ("spare", "eu")]


@pytest.fixture(scope="module")
def grant() -> dict[str, Any]:
    """Return a template of nothing but the statement and the variable that name the clusters."""
    whole = deployed()
    resources = whole["Resources"]
    (policy,) = resources["RunbookActionRole"]["Properties"]["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    function = resources["RunbookActionFunction"]["Properties"]
    clusters = function["Environment"]["Variables"]["CLUSTERS"]
    document = {"Version": "2012-10-17", "Statement": [statements["FindTheCluster"]]}
    return {
        "Parameters": {
            name: whole["Parameters"][name] for name in ("ClusterName", "MoreClusterArns")
        },
        "Conditions": {"HasMoreClusters": whole["Conditions"]["HasMoreClusters"]},
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                    "Policies": [{"PolicyName": "find", "PolicyDocument": document}],
                },
            }
        },
        "Outputs": {"Role": {"Value": {"Ref": "Role"}}, "Clusters": {"Value": clusters}},
    }


def _deploy(
    aws: LocalAws, name: str, template: dict[str, Any], more: list[str]
) -> tuple[list[str], str]:
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": "MoreClusterArns", "ParameterValue": ",".join(more)}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    policy = aws.client("iam").get_role_policy(RoleName=outputs["Role"], PolicyName="find")
    (statement,) = policy["PolicyDocument"]["Statement"]
    resource = statement["Resource"]
    return resource if isinstance(resource, list) else [resource], outputs["Clusters"]


@pytest.mark.parametrize("more", [[], SPARES[:1], SPARES], ids=["one", "two", "three"])
def test_the_named_clusters_and_no_other_may_be_described(
    local_aws: LocalAws, unique: str, grant: dict[str, Any], more: list[str]
) -> None:
    first = f"arn:aws:eks:{local_aws.region}:{local_aws.account_id}:cluster/sre-platform"

    allowed, clusters = _deploy(local_aws, unique, grant, more)

    assert allowed == [first, *more]
    assert [entry for entry in clusters.split(",") if entry] == ["sre-platform", *more]
