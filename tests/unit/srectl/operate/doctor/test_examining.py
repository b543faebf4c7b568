"""Every check alike: fine where all is, never an error, never fine where it could not look."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from srectl.errors import ExitCode
from srectl.operate.doctor import CHECKS, Check, Finding, Severity, exit_code
from srectl.operate.doctor.check import OF_THE_STACK, examine
from srectl.operate.doctor.policy import policy_of
from tests.unit.srectl.operate.doctor.patients import Patient, action_of, refused

every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
NAMES = {
    "partition": "aws",
    "region": "us-east-1",
    "account": "123456789012",
    "prefix": "t-",
    "stack": "platform",
}
# Of which a check may do without: then the stack has its usual name.
DISPENSABLE = {"cloudformation:describe_stack_resources"}


@every_check
def test_a_healthy_deployment_is_fine(patient: Patient, check: Check) -> None:
    found = patient.see(check)
    assert found
    assert {each.severity for each in found} == {Severity.OK}, found
    assert {each.check for each in found} == {check.name}
    assert all(each.where and each.what and not each.next for each in found)


@every_check
def test_a_check_that_is_refused_any_call_says_so_and_which_rights_it_needs(
    patient: Patient, tmp_path: Path, check: Check
) -> None:
    patient.see(check)
    for call in set(patient.asked) - DISPENSABLE:
        service, _, operation = call.partition(":")
        before = patient.aws[service][operation]
        patient.aws[service][operation] = refused()
        found = patient.see(check)
        patient.aws[service][operation] = before
        blind = [each for each in found if each.severity is Severity.NOT_CHECKED]
        assert blind, f"{call} is refused, and {check.name} says {found}"
        # The function may be called by whoever may call it; what it finds then is another matter.
        assert all("srectl doctor --policy" in each.next for each in blind), blind
        assert exit_code(found) is ExitCode.DOUBTFUL


@every_check
def test_a_check_that_reaches_nobody_or_reads_nonsense_is_no_traceback(
    patient: Patient, check: Check
) -> None:
    patient.see(check)
    for call in set(patient.asked):
        service, _, operation = call.partition(":")
        before = patient.aws[service][operation]
        unreached = EndpointConnectionError(endpoint_url="https://x")
        answers: list[Any] = [unreached, {}, {"Stacks": []}]
        for answer in answers:
            patient.aws[service][operation] = answer
            assert patient.see(check), f"{call}: {answer!r}"
        patient.aws[service][operation] = before


@every_check
def test_a_check_names_every_right_that_it_uses(patient: Patient, check: Check) -> None:
    patient.see(check)
    (last,) = patient.aws["stepfunctions"]["list_executions"]["executions"]
    last["status"] = "FAILED"  # then its cause is asked for, too
    patient.see(check)
    named = {action for grant in (OF_THE_STACK, *check.grants) for action in grant.actions}
    used = {action_of(call) for call in patient.asked} - {"sts:GetCallerIdentity"}
    assert used <= named
    if check.grants:
        assert {action for grant in check.grants for action in grant.actions} <= used


def test_the_policy_lets_nobody_write_and_names_what_it_can() -> None:
    document = policy_of(CHECKS, NAMES)
    reading = ("Describe*", "Get*", "List*", "GET", "Query", "Scan", "InvokeFunction")
    wide = set()
    for statement in document["Statement"]:
        for action in statement["Action"]:
            assert any(fnmatch(action.partition(":")[2], each) for each in reading), action
        if statement["Resource"] == "*":
            wide.update(statement["Action"])
    # IAM has no resources for these.
    assert wide == {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricStatistics",
        "events:ListRules",
        "lambda:GetAccountSettings",
    }


def test_a_check_that_answers_nothing_has_not_passed() -> None:
    silent = Check("silent", "", (), lambda _: ())
    (found,) = examine(None, [silent])  # type: ignore[arg-type]  # it is not looked at
    assert found.severity is Severity.NOT_CHECKED


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        (["ok", "note"], ExitCode.OK),
        (["ok", "warning"], ExitCode.DOUBTFUL),
        (["ok", "not checked"], ExitCode.DOUBTFUL),
        (["not checked", "failed", "warning"], ExitCode.FAILED),
    ],
)
def test_the_exit_code_is_that_of_the_worst(severities: list[str], code: ExitCode) -> None:
    assert exit_code([Finding(Severity(each), "x", "y") for each in severities]) is code
