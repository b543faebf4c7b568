"""Pods get the role of their ServiceAccount as on EKS, from the real token API and local STS."""

from __future__ import annotations

import json

import pytest
from mypy_boto3_iam import IAMClient
from mypy_boto3_ssm import SSMClient

from onemachine.aws.local_aws import LocalAws
from onemachine.kubernetes.control_plane import SERVICE_ACCOUNT_ISSUER
from onemachine.node import choose_pod_range
from tests.integration.kubernetes_fixtures import StartedControlPlane
from tests.integration.node.support import PYTHON, AgentProcess, Api, start_agent
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.localaws]

NODE = "node-aws"
ACCOUNT = "000000000000"
ISSUER = SERVICE_ACCOUNT_ISSUER.removeprefix("https://")
REFUSAL = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
SCRIPT = """
import boto3, json, os, time
aws = boto3.session.Session()
print(json.dumps({
    "arn": aws.client("sts").get_caller_identity()["Arn"],
    "value": aws.client("ssm").get_parameter(Name=os.environ["PARAMETER"])["Parameter"]["Value"],
    "mode": oct(os.stat(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]).st_mode & 0o777),
    "keys": sorted(k for k in os.environ if k.startswith("AWS_ACCESS")),
}), flush=True)
time.sleep(600)
"""


def create_role(iam: IAMClient, name: str, subject: str, parameter: str) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"},
                "Condition": {
                    "StringEquals": {
                        f"{ISSUER}:sub": subject,
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                    }
                },
            }
        ],
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "ssm:GetParameter",
                "Resource": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{parameter}",
            }
        ],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(policy))
    return role["Role"]["Arn"]


def test_a_pod_acts_as_the_role_of_its_service_account_and_no_other_may(
    own_control_plane: StartedControlPlane,
    kube: Api,
    namespace: str,
    local_aws: LocalAws,
    unique: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    parameter = f"/{unique}/mode"
    ssm: SSMClient = local_aws.client("ssm")
    ssm.put_parameter(Name=parameter, Value="true", Type="String")
    role = create_role(
        local_aws.client("iam"), unique, f"system:serviceaccount:{namespace}:right", parameter
    )
    for account in ("right", "wrong"):
        annotations = {"eks.amazonaws.com/role-arn": role}
        kube.core.create_namespaced_service_account(
            namespace, {"metadata": {"name": account, "annotations": annotations}}
        )
    agent = start_agent(
        own_control_plane.plane.node_agent_kubeconfig,
        tmp_path_factory.mktemp("aws-agent"),
        (NODE,),
        choose_pod_range("aws"),
        aws_endpoint_url=local_aws.endpoint_url,
    )
    try:
        kube.wait_for_nodes(NODE)
        for account in ("right", "wrong"):
            create(kube, namespace, account, parameter)
        answer = json.loads(eventually("answer", lambda: output(agent, namespace, "right")))
        # A traceback is written line by line, its reason last.
        eventually("refusal", lambda: REFUSAL in output(agent, namespace, "wrong"))
    finally:
        agent.stop()
        kube.core.delete_node(NODE)

    assert f"assumed-role/{unique}/" in answer.pop("arn")
    assert answer == {"value": "true", "mode": "0o600", "keys": []}


def create(kube: Api, namespace: str, account: str, parameter: str) -> None:
    container = {
        "name": "web",
        "image": "any",
        "command": [PYTHON, "-c", SCRIPT],
        "env": [{"name": "PARAMETER", "value": parameter}],
    }
    pod = {
        "metadata": {"name": account},
        "spec": {
            "containers": [container],
            "serviceAccountName": account,
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": NODE},
        },
    }
    kube.core.create_namespaced_pod(namespace, pod)


def output(agent: AgentProcess, namespace: str, pod: str) -> str:
    path = agent.pod_file(namespace, pod, "web.log")
    text = path.read_text() if path.exists() else ""
    return text if text.endswith("\n") else ""
