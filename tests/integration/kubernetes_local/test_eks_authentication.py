"""An IAM role reaches the cluster as on EKS: signed token, access entry, group, RBAC."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.signers import RequestSigner

from onemachine.aws.local_aws import LocalAws
from onemachine.kubernetes import ControlPlane
from onemachine.kubernetes.api import ApiClient
from tests.integration.kubernetes_fixtures import CLUSTER_NAME, StartedControlPlane
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.localaws]

SIGNED_SECONDS = 60


@dataclass(frozen=True)
class Role:
    """An IAM role that this test may assume, and what the cluster calls it."""

    aws: LocalAws
    name: str
    group: str

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.aws.account_id}:role/{self.name}"

    def token(self, cluster: str = CLUSTER_NAME) -> str:
        """Sign a token as ``aws eks get-token`` does (aws-iam-authenticator's API)."""
        sts = self.aws.client("sts")
        keys = sts.assume_role(RoleArn=self.arn, RoleSessionName="test")["Credentials"]
        region = self.aws.region
        session = boto3.session.Session(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region
        )
        client: Any = session.client("sts")
        credentials = session.get_credentials()
        assert credentials is not None
        signer = RequestSigner(
            client.meta.service_model.service_id,
            region,
            "sts",
            "v4",
            credentials,
            session.events,
        )
        url = signer.generate_presigned_url(
            {
                "method": "GET",
                "url": f"https://sts.{region}.amazonaws.com/"
                "?Action=GetCallerIdentity&Version=2011-06-15",
                "body": {},
                "headers": {"x-k8s-aws-id": cluster},
                "context": {},
            },
            region_name=region,
            expires_in=SIGNED_SECONDS,
            operation_name="",
        )
        encoded = base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
        return f"k8s-aws-v1.{encoded}"


@pytest.fixture
def plane(own_control_plane: StartedControlPlane) -> ControlPlane:
    return own_control_plane.plane


@pytest.fixture
def role(local_aws: LocalAws, unique: str) -> Iterator[Role]:
    """A role without an access entry."""
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
    iam = local_aws.client("iam")
    iam.create_role(RoleName=unique, AssumeRolePolicyDocument=json.dumps(trust))
    yield Role(local_aws, unique, f"sre:{unique}")
    iam.delete_role(RoleName=unique)


@pytest.fixture
def admitted(role: Role, plane: ControlPlane) -> Role:
    """The same role with an access entry, and its group bound to a Role in ``apps``."""
    admin = plane.api_as("admin")
    apps = {"metadata": {"name": "apps"}}
    assert admin.call("POST", "/api/v1/namespaces", apps).status in (201, 409)
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/apps"
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}]
    document = {"metadata": {"name": role.name}, "rules": rules}
    assert admin.call("POST", f"{rbac}/roles", document).status == 201
    group = "rbac.authorization.k8s.io"
    binding = {
        "metadata": {"name": role.name},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": role.name},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": role.group}],
    }
    assert admin.call("POST", f"{rbac}/rolebindings", binding).status == 201
    role.aws.client("eks").create_access_entry(
        clusterName=CLUSTER_NAME, principalArn=role.arn, kubernetesGroups=[role.group]
    )
    token = role.token()
    # The binding reaches the authoriser's cache a moment later.
    eventually("the role to be admitted", lambda: deployments(plane, token, "apps") == 200)
    return role


def deployments(plane: ControlPlane, token: str, namespace: str) -> int:
    """Give the status of listing deployments with a token."""
    client = ApiClient(plane.endpoint, plane.ca_file, token=token)
    return client.call("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments").status


def test_a_role_with_an_access_entry_has_its_groups_rights_and_no_others(
    admitted: Role, plane: ControlPlane
) -> None:
    token = admitted.token()
    assert deployments(plane, token, "apps") == 200
    assert deployments(plane, token, "default") == 403


def test_a_role_without_an_access_entry_is_nobody(role: Role, plane: ControlPlane) -> None:
    token = role.token()
    assert deployments(plane, token, "apps") == 401
    role.aws.client("eks").create_access_entry(
        clusterName=CLUSTER_NAME, principalArn=role.arn, kubernetesGroups=[role.group]
    )
    # With one it is somebody, who has no rights yet.
    eventually("the access entry to be felt", lambda: deployments(plane, token, "apps") == 403)


def test_a_token_for_another_cluster_is_refused(admitted: Role, plane: ControlPlane) -> None:
    assert deployments(plane, admitted.token("another"), "apps") == 401


def test_a_tampered_token_is_refused(admitted: Role, plane: ControlPlane) -> None:
    token = admitted.token()
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    tampered = f"{token[:middle]}{other}{token[middle + 1 :]}"
    assert deployments(plane, tampered, "apps") == 401


def test_a_removed_access_entry_is_felt_within_seconds(admitted: Role, plane: ControlPlane) -> None:
    token = admitted.token()
    assert deployments(plane, token, "apps") == 200
    eks = admitted.aws.client("eks")
    eks.delete_access_entry(clusterName=CLUSTER_NAME, principalArn=admitted.arn)
    eventually("the removal to be felt", lambda: deployments(plane, token, "apps") == 401)
