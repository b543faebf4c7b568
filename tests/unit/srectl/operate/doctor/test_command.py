"""``srectl doctor`` as one types it: text, JSON, exit codes, the policy."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from srectl.cli import cli
from srectl.commands import doctor as command
from srectl.commands import operating
from srectl.operate.doctor import CHECKS
from tests.unit.srectl.operate.doctor.patients import FakeAccount, Patient, refused

Run = Callable[..., Result]


@pytest.fixture
def run(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Run:
    def account(prefix: str, _shared: str) -> FakeAccount:
        made = FakeAccount(prefix)
        made.__dict__.update(answers=patient.aws, asked=patient.asked)
        return made

    monkeypatch.setattr(operating, "Account", account)
    monkeypatch.setattr(command, "PROJECT_ROOT", patient.folder)

    def typed(*arguments: str) -> Result:
        return CliRunner(mix_stderr=False).invoke(cli, ["doctor", "--prefix", "t-", *arguments])

    return typed


# Of the real time, which the canned answers do not know.
TIMELESS = [
    name for check in CHECKS if (name := check.name) not in ("clock", "heartbeat", "monitoring")
]
ONLY = [word for name in TIMELESS for word in ("--only", name)]


def test_a_healthy_deployment_is_told_line_by_line_and_ends_well(run: Run) -> None:
    shown = run(*ONLY)
    assert shown.exit_code == 0, shown.stdout
    assert "as arn:aws:iam::123456789012:user/me" in shown.stdout
    assert "2 alarms, all armed, none rings" in shown.stdout
    assert "0 not checked, 0 failed, 0 warning, 0 note" in shown.stdout
    assert "→" not in shown.stdout


def test_what_is_wrong_is_followed_by_what_to_type(run: Run, patient: Patient) -> None:
    patient.aws["apigateway"]["get_api_keys"]["items"][0]["enabled"] = False
    shown = run(*ONLY)
    assert shown.exit_code == 1
    lines = shown.stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("✗")]
    assert "intake" in lines[at]
    assert lines[at + 1].startswith("  → aws apigateway update-api-key --api-key key1")


def test_a_warning_has_an_exit_code_of_its_own(run: Run, patient: Patient) -> None:
    patient.inspected["asked"] = 0
    assert run("--only", "rights").exit_code == 5
    assert run("--only", "rights", "--skip", "rights").exit_code == 2


def test_json_says_the_same(run: Run, patient: Patient) -> None:
    patient.inspected["held"] = False
    shown = run("--only", "admission", "--only", "alarms", "--output", "json")
    told = json.loads(shown.stdout)
    assert shown.exit_code == told["exit_code"] == 1
    assert told["checks"] == ["admission", "alarms"]
    first = told["findings"][0]
    assert set(first) == {"severity", "check", "where", "what", "next"}
    assert (first["severity"], first["check"]) == ("failed", "admission")


def test_text_of_others_moves_no_cursor(run: Run, patient: Patient) -> None:
    patient.inspected = {"errorType": "ClusterUnreachable", "errorMessage": "\x1b[2Jno [red]x"}
    shown = run("--only", "cluster")
    assert "\x1b" not in shown.stdout
    assert "no [red]x" in shown.stdout


def test_the_policy_is_for_the_checks_that_are_chosen(run: Run) -> None:
    printed = json.loads(run("--only", "subscriptions", "--policy").stdout)
    resources = [statement["Resource"] for statement in printed["Statement"]]
    assert resources == [
        "arn:aws:cloudformation:us-east-1:123456789012:stack/platform/*",
        "arn:aws:sns:us-east-1:123456789012:t-sre-incident-notifications",
    ]


def test_every_check_is_listed(run: Run) -> None:
    assert [line.split()[0] for line in run("--checks").stdout.splitlines()] == [
        check.name for check in CHECKS
    ]


@pytest.mark.parametrize("more", [(), ("--output", "json"), ("--policy",)])
def test_where_there_is_no_platform_there_is_nothing_to_examine(
    run: Run, patient: Patient, more: tuple[str, ...]
) -> None:
    patient.aws["cloudformation"]["describe_stacks"] = refused("ValidationError")
    shown = run("--stack", "gone", *more)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "there is no stack gone" in shown.stderr
    assert "is --prefix its NamePrefix? --stack names another" in shown.stderr


def test_a_role_that_may_not_read_the_stack_is_told_of_the_rest(run: Run, patient: Patient) -> None:
    patient.aws["cloudformation"]["describe_stacks"] = refused()
    shown = run("--only", "switches", "--only", "stack")
    assert shown.exit_code == 5
    assert "on: runbooks act" in shown.stdout
    assert "1 not checked" in shown.stdout
