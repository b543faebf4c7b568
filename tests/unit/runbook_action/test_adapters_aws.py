"""SSM, STS and EKS as the adapters use them (moto), and every fault under its own name."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)
from moto import mock_aws

from runbook_action.adapters.aws_errors import translated
from runbook_action.adapters.eks import EksClusters
from runbook_action.adapters.parameters import SsmParameters
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    AwsRejected,
    AwsUnavailable,
    ClusterUnreachable,
    ResourceMissing,
)

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/checkout-remediation-role"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.session.Session]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.session.Session(region_name=REGION)


class Counting:
    """A client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append(name)
            return getattr(self._client, name)(**arguments)

        return call


class Clock:
    """Time by hand."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


CA = "-----BEGIN CERTIFICATE-----\n"


@pytest.fixture
def eks(aws: boto3.session.Session) -> Counting:
    client = aws.client("eks")
    client.create_cluster(
        name="production",
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={},
    )

    class RealAuthority:
        """moto's authority is not base64; a cluster's is."""

        def describe_cluster(self, name: str) -> dict[str, Any]:
            answer: dict[str, Any] = dict(client.describe_cluster(name=name))
            data = base64.b64encode(CA.encode()).decode()
            return {"cluster": {**answer["cluster"], "certificateAuthority": {"data": data}}}

    return Counting(RealAuthority())


@pytest.fixture
def sts(aws: boto3.session.Session) -> Counting:
    return Counting(aws.client("sts"))


@pytest.fixture
def clusters(eks: Counting, sts: Counting, clock: Clock) -> EksClusters:
    fake_eks: Any = eks
    fake_sts: Any = sts
    names = {"prod": "production", "test": "staging"}
    return EksClusters(fake_eks, fake_sts, names, "prod", ROLE, REGION, clock)


def test_a_parameter_is_written_encrypted_with_the_given_key(aws: boto3.session.Session) -> None:
    client = aws.client("ssm")
    parameters = SsmParameters(client, "alias/sre-platform")
    parameters.put("/checkout/degraded_mode", "true")
    parameters.put("/checkout/degraded_mode", "false")
    stored = client.describe_parameters()["Parameters"][0]
    assert (stored["Type"], stored["KeyId"]) == ("SecureString", "alias/sre-platform")
    assert parameters.get("/checkout/degraded_mode") == "false"


def test_each_write_of_a_parameter_is_another_version(aws: boto3.session.Session) -> None:
    parameters = SsmParameters(aws.client("ssm"), "alias/sre-platform")
    found = [parameters.version("/checkout/degraded_mode")]
    for value in ("true", "true", "false"):
        parameters.put("/checkout/degraded_mode", value)
        found.append(parameters.version("/checkout/degraded_mode"))
    assert found == [0, 1, 2, 3]


def test_a_parameter_that_is_not_there_reads_as_none(aws: boto3.session.Session) -> None:
    parameters = SsmParameters(aws.client("ssm"), "alias/k")
    assert parameters.get("/checkout/degraded_mode") is None
    assert parameters.written_at("/checkout/degraded_mode") is None


def test_a_parameter_says_when_it_was_written(aws: boto3.session.Session) -> None:
    parameters = SsmParameters(aws.client("ssm"), "alias/sre-platform")
    before = datetime.now(UTC)
    parameters.put("/checkout/degraded_mode", "true")
    found = parameters.written_at("/checkout/degraded_mode")
    assert found is not None
    assert before - timedelta(seconds=1) <= found <= datetime.now(UTC)


def test_no_cluster_label_means_the_default_cluster(clusters: EksClusters) -> None:
    assert clusters.name_of(None) == "production"
    assert clusters.name_of("test") == "staging"


def test_a_cluster_outside_the_allow_list_is_refused(clusters: EksClusters) -> None:
    with pytest.raises(ActionRefused, match=r"'production' is not on the allow-list \(prod, test"):
        clusters.name_of("production")


def test_the_endpoint_is_asked_for_once_until_it_is_forgotten(
    clusters: EksClusters, eks: Counting
) -> None:
    first = clusters.endpoint("production")
    assert first.url.startswith("https://")
    assert first.ca_pem == CA
    assert clusters.endpoint("production") is first
    clusters.forget("production")
    clusters.endpoint("production")
    assert eks.calls == ["describe_cluster", "describe_cluster"]


def test_a_cluster_that_does_not_exist_is_not_found(clusters: EksClusters) -> None:
    with pytest.raises(ResourceMissing, match="staging"):
        clusters.endpoint("staging")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "CREATING"},
        {"endpoint": "https://x", "certificateAuthority": {"data": "not base64!"}},
    ],
)
def test_a_cluster_that_is_not_ready_is_unreachable(
    clusters: EksClusters, eks: Counting, answer: dict[str, Any]
) -> None:
    class Client:
        def describe_cluster(self, name: str) -> dict[str, Any]:
            return {"cluster": answer}

    eks._client = Client()
    with pytest.raises(ClusterUnreachable, match="production"):
        clusters.endpoint("production")


def test_the_token_is_a_presigned_caller_identity_for_this_cluster(clusters: EksClusters) -> None:
    token = clusters.token("production")
    assert token.startswith("k8s-aws-v1.")
    assert "=" not in token
    text = token.removeprefix("k8s-aws-v1.")
    url = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
    query = parse_qs(url.query)
    assert (url.scheme, url.netloc) == ("https", "sts.us-east-1.amazonaws.com")
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert query["X-Amz-Expires"] == ["60"]
    assert "X-Amz-Security-Token" in query
    assert query["X-Amz-Credential"][0].endswith("/us-east-1/sts/aws4_request")


def test_the_token_is_renewed_at_14_minutes_and_the_session_is_kept(
    clusters: EksClusters, sts: Counting, clock: Clock
) -> None:
    first = clusters.token("production")
    clock.time += timedelta(minutes=13, seconds=59)
    assert clusters.token("production") == first
    clock.time += timedelta(seconds=2)
    clusters.token("production")
    assert sts.calls == ["assume_role"]
    assert clusters._tokens["production"][1] == clock.time + timedelta(minutes=14)


def test_the_role_is_assumed_again_before_its_session_ends(
    clusters: EksClusters, sts: Counting, clock: Clock
) -> None:
    clusters.token("production")
    clock.time += timedelta(minutes=56)
    clusters.token("production")
    assert sts.calls == ["assume_role", "assume_role"]


def test_refused_credentials_are_dropped(clusters: EksClusters, sts: Counting) -> None:
    first = clusters.token("production")
    clusters.forget_credentials("production", first)
    assert clusters.token("production") != first
    assert sts.calls == ["assume_role", "assume_role"]


def test_a_token_that_another_thread_has_renewed_meanwhile_is_kept(
    clusters: EksClusters, sts: Counting
) -> None:
    first = clusters.token("production")
    clusters.forget_credentials("production", first)
    renewed = clusters.token("production")
    clusters.forget_credentials("production", first)
    assert clusters.token("production") == renewed
    assert sts.calls == ["assume_role", "assume_role"]


def test_an_answer_that_is_forgotten_while_others_read_it_does_not_race(
    clusters: EksClusters,
) -> None:
    class Vanishing(dict[str, Any]):
        """What another thread forgets between two looks of this one."""

        def __contains__(self, key: object) -> bool:
            found = super().__contains__(key)
            self.clear()
            return found

    clusters._endpoints = Vanishing()
    clusters.endpoint("production")
    assert clusters.endpoint("production").url.startswith("https://")


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "sts.us-east-1.amazonaws.com"),
        ("aws-us-gov", "sts.us-east-1.amazonaws.com"),
        ("aws-cn", "sts.us-east-1.amazonaws.com.cn"),
        ("aws-iso", "sts.us-east-1.c2s.ic.gov"),
    ],
)
def test_the_token_is_signed_for_the_sts_of_its_partition(
    eks: Counting, sts: Counting, clock: Clock, partition: str, host: str
) -> None:
    role = ROLE.replace("arn:aws:", f"arn:{partition}:")
    fakes: Any = {"eks": eks, "sts": sts}
    known = EksClusters(
        clusters={"p": "production"},
        default_cluster="p",
        role_arn=role,
        region=REGION,
        now=clock,
        **fakes,
    )
    text = known.token("production")
    text = text.removeprefix("k8s-aws-v1.")
    url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    assert urlsplit(url).netloc == host


def test_each_cluster_has_a_token_of_its_own(clusters: EksClusters) -> None:
    assert clusters.token("production") != clusters.token("staging")


def client_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "said"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Operation")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (client_error("AccessDeniedException"), AccessDenied),
        (client_error("AccessDenied", 403), AccessDenied),
        (client_error("ExpiredTokenException"), AccessDenied),
        (client_error("ParameterNotFound"), ResourceMissing),
        (client_error("ResourceNotFoundException", 404), ResourceMissing),
        (client_error("ThrottlingException"), AwsUnavailable),
        (client_error("TooManyUpdates"), AwsUnavailable),
        (client_error("SomethingNew", 503), AwsUnavailable),
        (client_error("SomethingNew", 429), AwsUnavailable),
        (client_error("ValidationException"), AwsRejected),
        (NoCredentialsError(), AccessDenied),
        (EndpointConnectionError(endpoint_url="https://ssm"), AwsUnavailable),
        (ConnectTimeoutError(endpoint_url="https://ssm"), AwsUnavailable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_every_fault_of_aws_has_a_name_of_ours(fault: Exception, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^reading it: "), translated("reading it"):
        raise fault
