"""The stack's own control plane seen through the EKS API, and its token webhook."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.signers import RequestSigner

from onemachine.aws.local_aws import LocalAws

pytestmark = pytest.mark.localaws

GROUP = "sre:checkout-remediation"
CA_PEM = b"-----BEGIN CERTIFICATE-----\nbm90IHJlYWw=\n-----END CERTIFICATE-----\n"


def _eks_token(aws: LocalAws, role_arn: str, cluster: str) -> str:
    keys = aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=aws.region
    )
    credentials = session.get_credentials()
    assert credentials is not None
    signer = RequestSigner(
        session.client("sts").meta.service_model.service_id,
        aws.region,
        "sts",
        "v4",
        credentials,
        session.events,
    )
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"https://sts.{aws.region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        },
        region_name=aws.region,
        expires_in=60,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _review(url: str, token: str) -> dict[str, Any]:
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token},
    }
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request) as response:
        status: dict[str, Any] = json.load(response)["status"]
    return status


@pytest.fixture
def role_arn(local_aws: LocalAws, unique: str) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{local_aws.account_id}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = local_aws.client("iam").create_role(
        RoleName=unique, AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]
    return str(role["Arn"])


@pytest.fixture
def cluster(local_aws: LocalAws, unique: str, role_arn: str) -> str:
    local_aws.register_cluster(
        unique,
        endpoint="https://127.0.0.1:6443",
        certificate_authority_pem=CA_PEM,
        version="1.36",
        access_entries={role_arn: [GROUP]},
    )
    return unique


def test_describe_cluster_gives_the_real_endpoint_and_authority(
    local_aws: LocalAws, cluster: str
) -> None:
    described = local_aws.client("eks").describe_cluster(name=cluster)["cluster"]

    assert described["status"] == "ACTIVE"
    assert described["endpoint"] == "https://127.0.0.1:6443"
    assert base64.b64decode(described["certificateAuthority"]["data"]) == CA_PEM


def test_registering_again_moves_the_endpoint_and_the_groups(
    local_aws: LocalAws, cluster: str, role_arn: str
) -> None:
    local_aws.register_cluster(
        cluster,
        endpoint="https://127.0.0.1:7443",
        certificate_authority_pem=CA_PEM,
        version="1.36",
        access_entries={role_arn: ["other"]},
    )

    eks = local_aws.client("eks")
    assert eks.describe_cluster(name=cluster)["cluster"]["endpoint"] == "https://127.0.0.1:7443"
    entry = eks.describe_access_entry(clusterName=cluster, principalArn=role_arn)["accessEntry"]
    assert entry["kubernetesGroups"] == ["other"]


def test_the_access_entry_gives_the_role_its_kubernetes_group(
    local_aws: LocalAws, cluster: str, role_arn: str
) -> None:
    token = _eks_token(local_aws, role_arn, cluster)

    status = _review(local_aws.webhook_token_url(cluster), token)

    assert status["authenticated"] is True
    assert GROUP in status["user"]["groups"]


def test_the_webhook_refuses_what_is_not_this_clusters_token(
    local_aws: LocalAws, cluster: str, role_arn: str
) -> None:
    url = local_aws.webhook_token_url(cluster)
    token = _eks_token(local_aws, role_arn, cluster)
    wrong = {
        "other cluster": _review(url, _eks_token(local_aws, role_arn, "other")),
        "tampered": _review(url, token[:-6] + "AAAAAA"),
        "wrong secret": _review(url[:-4] + "0000", token),
    }

    assert {case: status["authenticated"] for case, status in wrong.items()} == dict.fromkeys(
        wrong, False
    )
