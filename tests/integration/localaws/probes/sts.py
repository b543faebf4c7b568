"""STS: pods become roles as on EKS."""

from __future__ import annotations

import base64
import json

import pytest
from botocore.exceptions import ClientError

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows


def _token(audience: str) -> str:
    """Write an unsigned token as Kubernetes does; the emulator reads no signature."""
    claims = {
        "iss": "https://kubernetes.default.svc",
        "aud": [audience],
        "sub": "system:serviceaccount:apps:checkout",
    }
    parts = ({"alg": "RS256"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(part.rstrip("=") for part in (*encoded, "c2lnbmF0dXJl"))


@shows("web_identity_audience")
def a_pod_becomes_its_role_only_with_the_right_audience(aws: LocalAws, name: str) -> None:
    """A trust policy's condition on the audience holds for a list of one, and only for that one."""
    issuer = "kubernetes.default.svc"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": f"arn:aws:iam::{aws.account_id}:oidc-provider/{issuer}"},
                "Condition": {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"}},
            }
        ],
    }
    aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    sts = aws.client("sts")

    def assume(audience: str) -> str:
        answer = sts.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{aws.account_id}:role/{name}",
            RoleSessionName="test",
            WebIdentityToken=_token(audience),
        )
        return str(answer["AssumedRoleUser"]["Arn"])

    assert f"assumed-role/{name}/" in assume("sts.amazonaws.com")
    with pytest.raises(ClientError, match="AccessDenied"):
        assume("elsewhere")
