"""The local AWS answers its own stack's users, and nobody else that reaches its port."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.session import Session
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from onemachine.aws.local_aws import OPERATOR_ACCESS_KEY_ID, LocalAws
from runbook_action.adapters.identities import StsIdentities, sts_host
from runbook_action.errors import ActionRefused
from srectl.operate.signatures import signed as signed_by
from tests.integration.local_aws_fixtures import running_local_aws
from tests.integration.localaws.probes.support import eventually, make_role
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.localaws

LIST_FUNCTIONS = "/2015-03-31/functions/"


def ask(
    aws: LocalAws, method: str, path: str, headers: dict[str, str] | None = None, body: str = ""
) -> tuple[int, str]:
    """Send a request as it is given, and give the status and the body of the answer."""
    connection = http.client.HTTPConnection(aws.host, aws.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, body=body or None, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def signed(
    aws: LocalAws,
    path: str = LIST_FUNCTIONS,
    key: str = OPERATOR_ACCESS_KEY_ID,
    secret: str = "",
    service: str = "lambda",
) -> dict[str, str]:
    """Headers of a GET that an access key has signed."""
    request = AWSRequest(method="GET", url=f"{aws.endpoint_url}{path}")
    SigV4Auth(Credentials(key, secret or aws.operator_secret), service, aws.region).add_auth(
        request
    )
    return dict(request.headers.items())


def test_the_operators_signature_is_taken(local_aws: LocalAws) -> None:
    assert ask(local_aws, "GET", LIST_FUNCTIONS, signed(local_aws))[0] == 200


def test_whose_an_approval_is_is_known_though_it_was_signed_for_sts(local_aws: LocalAws) -> None:
    operator = Session(OPERATOR_ACCESS_KEY_ID, local_aws.operator_secret, None, local_aws.region)
    identities = StsIdentities(local_aws.endpoint_url, sts_host(local_aws.region))
    proof = signed_by(operator, "incident/1/plan")
    assert identities.signer(proof, "incident/1/plan").startswith("arn:aws:")
    with pytest.raises(ActionRefused, match="of another incident, step or plan"):
        identities.signer(proof, "incident/2/plan")


def test_every_stack_has_a_secret_of_its_own(tmp_path: Path) -> None:
    one, other = (LocalAws("127.0.0.1", 1, tmp_path, secret) for secret in ("one", "other"))
    assert one.operator_secret != other.operator_secret
    assert one.secret not in one.operator_secret
    assert one.operator_secret not in repr(one)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        (OPERATOR_ACCESS_KEY_ID, "wrong"),
        ("test", "test"),  # what the emulator takes for root
        ("000000000000", "test"),  # and this: the account's number
        ("123456789012", "test"),
        ("AKIAUNKNOWN000000000", "whatever"),
    ],
)
def test_a_key_that_is_not_of_this_stack_opens_nothing(
    local_aws: LocalAws, key: str, secret: str
) -> None:
    status, body = ask(local_aws, "GET", LIST_FUNCTIONS, signed(local_aws, key=key, secret=secret))
    assert status == 403
    assert "Functions" not in body
    with pytest.raises(ClientError) as refused:
        local_aws.client(
            "dynamodb", aws_access_key_id=key, aws_secret_access_key=secret
        ).list_tables()
    assert refused.value.response["Error"]["Code"] in (
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
    )


@pytest.mark.parametrize("service", ["lambda", "s3", "dynamodb", "sqs", "iam", "events"])
def test_an_sdk_names_the_error_of_a_wrong_secret(local_aws: LocalAws, service: str) -> None:
    client = local_aws.client(
        service, aws_access_key_id=OPERATOR_ACCESS_KEY_ID, aws_secret_access_key="wrong"
    )
    call: dict[str, Callable[[], Any]] = {
        "lambda": lambda: client.list_functions(),
        "s3": lambda: client.list_buckets(),
        "dynamodb": lambda: client.list_tables(),
        "sqs": lambda: client.list_queues(),
        "iam": lambda: client.list_roles(),
        "events": lambda: client.list_rules(),
    }
    with pytest.raises(ClientError) as refused:
        call[service]()
    assert "Signature" in refused.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", LIST_FUNCTIONS, {}, ""),
        ("GET", "/", {}, ""),  # S3's ListBuckets
        ("GET", LIST_FUNCTIONS, {"Authorization": "Bearer anything"}, ""),
        ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, "{}"),
        (
            "POST",
            "/",
            {"Content-Type": "application/x-www-form-urlencoded"},
            "Action=CreateQueue&QueueName=unsigned",
        ),
        ("PUT", "/a-bucket", {}, ""),
        ("GET", "/a-bucket/a-key", {}, ""),
        ("GET", "/oidc/id/ABC/keys", {}, ""),
        ("POST", "/v20180820/accesspoint/x", {}, ""),
        ("POST", "/restapis/abc/live/_user_request_/webhook", {}, "{}"),
        ("POST", "/_aws/lambda-url/abc/", {}, "{}"),
        ("POST", "/_aws/execute-api/", {}, "{}"),
        ("POST", "/_aws/execute-api/abc/live/../../../_ministack/reset", {}, "{}"),
        (
            "POST",
            "/_aws/execute-api/abc/live/webhook",
            {"X-Amz-Target": "DynamoDB_20120810.ListTables"},
            "{}",
        ),
        # The pod's exchange, steered to another service or action.
        (
            "POST",
            "/",
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Amz-Target": "DynamoDB_20120810.ListTables",
            },
            "Action=AssumeRoleWithWebIdentity",
        ),
        (
            "POST",
            "/?Action=ListQueues",
            {"Content-Type": "application/x-www-form-urlencoded"},
            "Action=AssumeRoleWithWebIdentity",
        ),
        ("GET", "/?Action=ConfirmSubscription&Action=ListTopics", {}, ""),
        ("GET", "/?Action=ConfirmSubscription&TopicArn=a&Token=b&Version=2010-03-31", {}, ""),
        ("GET", "/?Action=ConfirmSubscription&TopicArn=a", {}, ""),
        ("GET", "/?Action=Unsubscribe&SubscriptionArn=a&list-type=2", {}, ""),
    ],
)
def test_what_nobody_signed_is_refused(
    local_aws: LocalAws, method: str, path: str, headers: dict[str, str], body: str
) -> None:
    status, answer = ask(local_aws, method, path, headers, body)
    assert status in (400, 403), answer
    assert any(sign in answer for sign in ("Missing", "AccessDenied", "InvalidAction")), answer


def test_a_body_that_was_changed_after_signing_is_refused(local_aws: LocalAws) -> None:
    body = "Action=CreateQueue&QueueName=signed"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"{local_aws.endpoint_url}/", headers=headers, data=body)
    operator = Credentials(OPERATOR_ACCESS_KEY_ID, local_aws.operator_secret)
    SigV4Auth(operator, "sqs", local_aws.region).add_auth(request)
    sent = dict(request.headers.items())
    status, answer = ask(local_aws, "POST", "/", sent, body.replace("signed", "forged"))
    assert status == 403, answer
    queues = local_aws.client("sqs").list_queues().get("QueueUrls", [])
    assert not [url for url in queues if url.endswith("/forged")]


def test_two_keys_in_one_signature_are_refused(local_aws: LocalAws) -> None:
    """The key that signs is the one that acts: the emulator reads the first, a check the last."""
    headers = signed(local_aws)
    scope = f"test/20260101/{local_aws.region}/lambda/aws4_request"
    authorization = headers["Authorization"]
    headers["Authorization"] = authorization.replace(
        "AWS4-HMAC-SHA256 ", f"AWS4-HMAC-SHA256 Credential={scope}, "
    )
    assert ask(local_aws, "GET", LIST_FUNCTIONS, headers)[0] == 403


def test_a_function_is_who_its_role_is(local_aws: LocalAws, unique: str) -> None:
    """A key that STS gave out still works, for what its role may do."""
    allowed = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
    role = make_role(local_aws, unique, "lambda.amazonaws.com", [allowed])
    account = {"AWS": f"arn:aws:iam::{local_aws.account_id}:root"}
    trust = {"Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole"}
    local_aws.client("iam").update_assume_role_policy(
        RoleName=unique,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    keys = local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="who")["Credentials"]
    session = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    local_aws.client("sqs", **session).list_queues()
    with pytest.raises(ClientError, match="AccessDenied"):
        local_aws.client("dynamodb", **session).list_tables()
    with pytest.raises(ClientError, match="security token"):
        local_aws.client("sqs", **{**session, "aws_session_token": "another"}).list_queues()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_works_until_it_ends_and_not_for_another_object(
    local_aws: LocalAws, unique: str, version: str
) -> None:
    s3 = boto3.client(
        "s3",
        region_name=local_aws.region,
        endpoint_url=local_aws.endpoint_url,
        aws_access_key_id=OPERATOR_ACCESS_KEY_ID,
        aws_secret_access_key=local_aws.operator_secret,
        config=Config(signature_version=version, s3={"addressing_style": "path"}),
    )
    local_aws.client("s3").create_bucket(Bucket=unique)
    local_aws.client("s3").put_object(Bucket=unique, Key="kept", Body=b"content")
    url = s3.generate_presigned_url("get_object", {"Bucket": unique, "Key": "kept"}, ExpiresIn=60)
    path = url.removeprefix(local_aws.endpoint_url)
    assert ask(local_aws, "GET", path) == (200, "content")
    assert ask(local_aws, "GET", path.replace("kept", "other"))[0] == 403
    short = s3.generate_presigned_url("get_object", {"Bucket": unique, "Key": "kept"}, ExpiresIn=1)
    path = short.removeprefix(local_aws.endpoint_url)
    eventually(lambda: ask(local_aws, "GET", path)[0] == 403, "the URL ends")


def test_query_credentials_of_a_wellknown_key_open_nothing(local_aws: LocalAws) -> None:
    """What a form on a page could send."""
    request = AWSRequest("GET", f"{local_aws.endpoint_url}{LIST_FUNCTIONS}")
    SigV4QueryAuth(Credentials("test", "test"), "lambda", local_aws.region).add_auth(request)
    path = str(request.url).removeprefix(local_aws.endpoint_url)
    assert ask(local_aws, "GET", path)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://attacker.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Host": "attacker.example"},  # its name was rebound to loopback
        {"Host": "attacker.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.attacker.example:{port}"},
        {"Host": ""},
    ],
)
@pytest.mark.parametrize("path", [LIST_FUNCTIONS, "/_aws/execute-api/abc/live/webhook", "/health"])
def test_a_page_is_not_answered_whatever_it_carries(
    local_aws: LocalAws, headers: dict[str, str], path: str
) -> None:
    sent = {name: value.format(port=local_aws.port) for name, value in headers.items()}
    sent = {**signed(local_aws, path), "X-Srectl-Secret": local_aws.secret, **sent}
    status, answer = ask(local_aws, "GET", path, sent)
    assert status == 403
    assert "answers its own stack's users only" in answer


def test_no_preflight_is_granted(local_aws: LocalAws) -> None:
    connection = http.client.HTTPConnection(
        local_aws.host, local_aws.port, timeout=PATIENCE_SECONDS
    )
    connection.request(
        "OPTIONS",
        LIST_FUNCTIONS,
        headers={
            "Origin": "http://attacker.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    answer = connection.getresponse()
    assert answer.status == 403
    assert not [
        name for name, _ in answer.getheaders() if name.lower().startswith("access-control")
    ]
    connection.close()


#: Every route of the emulator that AWS does not have, from its source.
OWN_ROUTES = [
    ("GET", "/_ministack/health"),
    ("GET", "/_localstack/health"),
    ("GET", "/health"),
    ("GET", "/_ministack/ready"),
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/ses/messages"),
    ("GET", "/_aws/ses"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_aws/sqs/messages"),
    ("GET", "/_ministack/sns/sms-messages"),
    ("GET", "/_aws/sns/sms-messages"),
    ("GET", "/_ministack/elasticache/ca.pem"),
    ("GET", "/_ministack/rds/ca.pem"),
    ("GET", "/_ministack/iot/ca.pem"),
    ("POST", "/_ministack/rds/iam-auth"),
    ("GET", "/_ministack/transfer/sftp-ports"),
    ("GET", "/_ministack/lambda-code/000000000000/us-east-1/some-function"),
    ("GET", "/_ministack/lambda-layers/000000000000/us-east-1/some-layer/1/content"),
    ("GET", "/_localstack/anything"),
    ("GET", "/_srectl/ready"),
    ("POST", "/_ministack/eks-auth/000000000000/us-east-1/sre-platform/short"),
    ("GET", "/_ministack/eks-auth/000000000000/us-east-1/sre-platform/0123456789abcdef"),
    ("POST", "/_ministack/cfn-response/0123456789abcdef0123"),
]


@pytest.mark.parametrize(("method", "path"), OWN_ROUTES)
def test_the_emulators_own_routes_need_the_stacks_secret(
    local_aws: LocalAws, method: str, path: str
) -> None:
    for headers in ({}, signed(local_aws, path), {"X-Srectl-Secret": local_aws.operator_secret}):
        status, answer = ask(local_aws, method, path, headers)
        assert status == 403, answer
        assert "Secret" in answer


def test_with_the_secret_the_emulator_tells_how_it_is(local_aws: LocalAws) -> None:
    status, answer = ask(
        local_aws, "GET", "/_ministack/health", {"X-Srectl-Secret": local_aws.secret}
    )
    assert status == 200
    assert json.loads(answer)["auth"] == "enabled"


def test_a_refusal_stands_in_the_log(tmp_path: Path) -> None:
    with running_local_aws(tmp_path) as (aws, _process):
        ask(aws, "POST", LIST_FUNCTIONS, {"Origin": "http://attacker.example"}, "{}")
        log = (tmp_path / "aws.log").read_text()
    assert f"refused POST '{LIST_FUNCTIONS}': a page of 'http://attacker.example'" in log
