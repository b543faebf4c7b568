"""The stand-in of Amazon Managed Prometheus: signed, held to IAM, and a Prometheus behind it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from onemachine.aws.local_aws import LocalAws
from runbook_action.adapters.prometheus_workspace import Workspace
from runbook_action.prometheus.port import Unanswered
from runbook_action.prometheus.reader import Reader
from tests.integration.local_aws_fixtures import running_local_aws
from tests.support.serving import serving

pytestmark = pytest.mark.localaws

ARN = "arn:aws:aps:us-east-1:000000000000:workspace/ws-local"
OTHER = ARN.replace("ws-local", "ws-other")


class Prometheus(ThreadingHTTPServer):
    """Answers every question with one number, and keeps what it was asked."""

    asked: list[str]


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.asked.append(self.path)
            result = [{"metric": {}, "value": [1, "0.25"]}]
            data: dict[str, Any] = {"resultType": "vector", "result": result}
            if "/rules" in self.path:
                data = {"groups": []}
            body = json.dumps({"status": "success", "data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    running = Prometheus(("127.0.0.1", 0), Handler)
    running.asked = []
    with serving(running):
        yield running


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory, prometheus: Prometheus) -> Iterator[LocalAws]:
    folder: Path = tmp_path_factory.mktemp("workspaces")
    with running_local_aws(folder) as (aws, _):
        outside = "https://aps-workspaces.us-east-1.amazonaws.com"
        here = f"http://127.0.0.1:{prometheus.server_port}"
        aws.outbound_file.write_text(json.dumps({outside: here}), "utf-8")
        yield aws


def as_role(aws: LocalAws, name: str, *actions: str) -> Credentials:
    """Credentials of a role that may do this to the one workspace."""
    iam, sts = aws.client("iam"), aws.client("sts")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{aws.account_id}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": ARN}
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    iam.put_role_policy(RoleName=name, PolicyName="asks", PolicyDocument=json.dumps(policy))
    given = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def reader(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, who: Credentials, arn: str) -> Reader:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    return Reader(Workspace(arn, lambda: who))


def test_who_may_asks_this_workspace_and_only_what_is_granted(
    aws: LocalAws, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = as_role(aws, "may-query", "aps:QueryMetrics")
    asks = reader(aws, monkeypatch, who, ARN)
    (series,) = asks.at('sum(x{a="b c"})', 1)
    assert series.points == [(1, 0.25)]
    assert prometheus.asked[-1].startswith("/api/v1/query?")
    with pytest.raises(Unanswered, match="answered 403"):
        asks.alert_rules("Any")
    with pytest.raises(Unanswered, match="answered 403"):
        reader(aws, monkeypatch, who, OTHER).at("x", 1)
    both = as_role(aws, "may-both", "aps:QueryMetrics", "aps:ListRules")
    assert reader(aws, monkeypatch, both, ARN).alert_rules("Any") == []


def test_what_is_signed_with_another_key_or_not_at_all_is_refused(
    aws: LocalAws, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = as_role(aws, "forged", "aps:QueryMetrics")
    forged = Credentials(who.access_key, "another secret", who.token)
    before = len(prometheus.asked)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    # The emulator looks through all services of AWS for how this one words its errors, once.
    status, said = Workspace(ARN, lambda: forged).get("/api/v1/query", [("query", "x")], 9999, 90)
    assert status == 403
    assert b"signature" in said
    url = f"{aws.endpoint_url}/workspaces/ws-local/api/v1/query?query=x"
    with pytest.raises(urllib.error.HTTPError, match=r"40[13]"):
        urllib.request.urlopen(url, timeout=90)
    assert len(prometheus.asked) == before
