"""A pod's token is requested for its role, written where its SDK looks, and renewed in time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

from onemachine.node.cluster import Cluster
from onemachine.node.identity import AwsEndpoint, PodIdentity, plain_environment

ROLE = "arn:aws:iam::000000000000:role/checkout-service-role"
POD = {
    "metadata": {"namespace": "apps", "name": "checkout-1", "uid": "u-1"},
    "spec": {"serviceAccountName": "checkout"},
}


class Tokens:
    """Stands in for the API server, whose shortest token would make this test take minutes."""

    def __init__(self, annotations: dict[str, str]) -> None:
        self.annotations = annotations
        self.asked: list[tuple[Any, ...]] = []

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        assert (kind, namespace, name) == ("serviceaccounts", "apps", "checkout")
        return {"metadata": {"annotations": self.annotations}}

    def service_account_token(self, *arguments: Any) -> str:
        self.asked.append(arguments)
        return f"token-{len(self.asked)}"


def identity(tokens: Tokens, folder: Path) -> PodIdentity:
    return PodIdentity(cast(Cluster, tokens), POD, folder)


def test_a_service_account_without_a_role_gets_no_token(tmp_path: Path) -> None:
    tokens = Tokens({})
    one = identity(tokens, tmp_path)
    assert one.load() == {}
    assert (tokens.asked, one.refresh_at) == ([], None)
    assert not (tmp_path / "aws").exists()


def test_a_role_brings_a_token_bound_to_the_pod(tmp_path: Path) -> None:
    tokens = Tokens({"eks.amazonaws.com/role-arn": ROLE})
    env = identity(tokens, tmp_path).load()
    assert tokens.asked == [("apps", "checkout", "sts.amazonaws.com", 86400, ("checkout-1", "u-1"))]
    assert env["AWS_ROLE_ARN"] == ROLE
    assert Path(env["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text() == "token-1"
    assert not [name for name in env if "SECRET" in name or "ACCESS_KEY" in name]


@pytest.mark.parametrize(("wanted", "seconds"), [("3600", 3600), ("60", 600), ("x", 86400)])
def test_a_token_is_renewed_when_four_fifths_of_its_life_are_over(
    tmp_path: Path, wanted: str, seconds: int
) -> None:
    tokens = Tokens(
        {
            "eks.amazonaws.com/role-arn": ROLE,
            "eks.amazonaws.com/token-expiration": wanted,
            "eks.amazonaws.com/audience": "other",
        }
    )
    one = identity(tokens, tmp_path)
    before = time.monotonic()
    path = Path(one.load()["AWS_WEB_IDENTITY_TOKEN_FILE"])
    assert tokens.asked[0][2:4] == ("other", seconds)
    assert one.refresh_at is not None
    assert 0.8 * seconds <= one.refresh_at - before < 0.8 * seconds + 60
    one.refresh()
    assert path.read_text() == "token-2"


def test_every_pod_is_kept_away_from_the_real_aws() -> None:
    env = plain_environment(AwsEndpoint("http://127.0.0.1:4566", "eu-west-1"))
    assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert plain_environment(AwsEndpoint(None, "eu-west-1")) == {}
