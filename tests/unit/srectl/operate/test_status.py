"""How a deployment stands, on one screen; where none is chosen, the stack of this machine."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from srectl.cli import cli
from srectl.operate import environments
from srectl.operate.account import Account
from srectl.operate.doctor import Deployment
from tests.support.console_scene import Scene, deployment
from tests.unit.srectl.operate.doctor.patients import Canned, refused


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with deployment(monkeypatch) as made:
        Scene(made, datetime.datetime.now(datetime.UTC)).night()
        yield made


def run(*words: str) -> Result:
    return CliRunner(mix_stderr=False, env={"SRECTL_PREFIX": "t-"}).invoke(cli, words)


def deployed(monkeypatch: pytest.MonkeyPatch, stack: Any, code: Any) -> None:
    """Let CloudFormation and Lambda, which moto has not here, answer so."""
    cloudformation = Canned(
        "cloudformation",
        {"describe_stack_resources": refused("ValidationError"), "describe_stacks": stack},
        [],
    )
    client = Account.client

    def made(self: Account, service: str) -> Any:
        return cloudformation if service == "cloudformation" else client(self, service)

    monkeypatch.setattr(Account, "client", made)
    functions = Canned("lambda", {"get_function_configuration": code}, [])
    monkeypatch.setattr(Account, "functions", functions)


def test_a_deployment_is_shown_with_what_runs_and_what_is_open(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.datetime(2026, 11, 23, 15, tzinfo=datetime.UTC)
    stack = {"StackName": "sre-platform", "StackStatus": "CREATE_COMPLETE", "CreationTime": at}
    url = [{"OutputKey": "WebhookUrl", "OutputValue": "https://hook.example/live"}]
    deployed(
        monkeypatch,
        {"Stacks": [{**stack, "Outputs": url}]},
        {"CodeSha256": "c0ffee+/=", "LastModified": "2026-11-23T15:00:00.000+0000"},
    )
    queue = account.sqs.get_queue_url(QueueName="t-sre-dlq-runbook")["QueueUrl"]
    account.sqs.send_message(QueueUrl=queue, MessageBody="{}")
    page = json.loads(run("status", "--output", "json").stdout)
    assert page["not_read"] == []
    assert (page["stack"]["name"], page["stack"]["status"]) == ("sre-platform", "CREATE_COMPLETE")
    assert set(page["code"]) == {"t-alert-ingest", "t-runbook-action"}
    assert (page["mode"], page["windows"], page["queues"]) == ("on", [], {"runbook": 1})
    assert (page["open"], page["needs_somebody"], page["at_work"]) == (4, 2, 1)
    assert page["in_hand"] == []
    assert page["last_incident"]["status"] != "resolved"
    assert page["last_incident"]["alert_name"] != "PlatformCanary"
    shown = run("status").stdout
    for words in (
        "sre-platform CREATE_COMPLETE, changed ",
        "https://hook.example/live",
        "t-alert-ingest c0ffee+/=, since 2026-11-23 15:00:00 UTC",
        "4 open: 2 need somebody, 1 at work",
        "runbook 1",
    ):
        assert words in shown


def test_what_somebody_has_in_hand_needs_nobody_else(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(monkeypatch, refused("ValidationError"), refused())
    scene = Scene(account, datetime.datetime.now(datetime.UTC))
    escalated = scene.read("11111111-0000-4000-8000-000000000001")
    taken = {"acknowledged_by": "arn:aws:iam::1:user/ada (as Ada)", "acknowledged_at": "x"}
    scene.put("11111111-0000-4000-8000-000000000001", **{**escalated, **taken})
    page = json.loads(run("status", "--json").stdout)
    assert (page["needs_somebody"], page["in_hand"], page["at_work"]) == (
        1,
        [{"by": "Ada", "incidents": 1}],
        1,
    )
    assert "4 open: 1 needs somebody, 1 in hand of Ada, 1 at work" in run("status").stdout


def test_the_webhook_of_a_stack_on_one_machine_is_the_address_that_answers(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.datetime(2026, 11, 23, 15, tzinfo=datetime.UTC)
    stack = {"StackName": "sre-platform", "StackStatus": "CREATE_COMPLETE", "CreationTime": at}
    outputs = {
        "WebhookUrl": "https://abc.execute-api.us-east-1.amazonaws.com/live/webhook",
        "WebhookApiId": "abc",
    }
    told = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    deployed(monkeypatch, {"Stacks": [{**stack, "Outputs": told}]}, refused())
    monkeypatch.setattr(Deployment, "endpoint", "http://127.0.0.1:4566")
    page = json.loads(run("status", "--json").stdout)
    assert page["stack"]["webhook"] == "http://127.0.0.1:4566/_aws/execute-api/abc/live/webhook"


def test_what_cannot_be_read_is_said(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch, refused("ValidationError"), refused())
    page = json.loads(run("status", "--json").stdout)
    assert page["stack"] is page["code"] is None
    assert any("there is no stack sre-platform" in each for each in page["not_read"])
    assert "not read" in run("status").stdout


def test_another_prefix_fails(account: Account) -> None:
    told = run("status", "--prefix", "other-")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "--prefix its NamePrefix" in told.stderr


def test_where_no_account_is_chosen_the_stack_of_this_machine_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("onemachine.commands.status.account_is_chosen", lambda: False)
    monkeypatch.setattr(environments, "_entries", lambda: ())
    told, local = run("status", "--json"), run("local", "status", "--json")
    assert told.exit_code == local.exit_code
    assert (told.stdout, told.stderr) == (local.stdout, local.stderr)
    named = run("status", "--name", "no-such-stack")
    assert named.exit_code == 3
    assert "no-such-stack" in named.stderr
