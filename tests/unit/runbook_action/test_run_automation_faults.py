"""run_automation against everything that botocore's models say Systems Manager may answer."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from runbook_action.errors import (
    AccessDenied,
    AwsRejected,
    AwsUnavailable,
    ResourceMissing,
    RolloutFailed,
)
from tests.unit.runbook_action.automation_bench import ID, OF_ANY_CALL, Bench

START, LOOK, STOP = (
    "start_automation_execution",
    "get_automation_execution",
    "stop_automation_execution",
)
UNDO = {"execution_id": ID}
# What each error is here, and with which status it comes.
ERRORS: dict[str, tuple[int, type[Exception]]] = {
    "ExpiredTokenException": (401, AccessDenied),
    "UnrecognizedClientException": (401, AccessDenied),
    "AccessDeniedException": (403, AccessDenied),
    "AutomationDefinitionNotFoundException": (404, ResourceMissing),
    "AutomationDefinitionVersionNotFoundException": (404, ResourceMissing),
    "AutomationExecutionNotFoundException": (404, ResourceMissing),
    "IdempotentParameterMismatch": (409, AwsRejected),
    "InvalidAutomationStatusUpdateException": (409, AwsRejected),
    "InvalidAutomationExecutionParametersException": (422, AwsRejected),
    "InvalidTarget": (422, AwsRejected),
    "AutomationExecutionLimitExceededException": (429, AwsUnavailable),
    "RequestLimitExceeded": (429, AwsUnavailable),
    "ThrottlingException": (400, AwsUnavailable),
    "InternalServerError": (500, AwsUnavailable),
    "ServiceUnavailable": (503, AwsUnavailable),
}
ON_THE_WAY = {
    "Pending",
    "InProgress",
    "Waiting",
    "Cancelling",
    "PendingApproval",
    "Approved",
    "Scheduled",
    "RunbookInProgress",
    "PendingChangeCalendarOverride",
    "ChangeCalendarOverrideApproved",
}
WELL = {"Success", "CompletedWithSuccess"}
BADLY = {
    "TimedOut",
    "Cancelled",
    "Failed",
    "Rejected",
    "ChangeCalendarOverrideRejected",
    "CompletedWithFailure",
    "Exited",
}


@pytest.fixture
def bench() -> Iterator[Bench]:
    found = Bench()
    yield found
    found.stubs.assert_no_pending_responses()


def of(method: str) -> list[str]:
    """Every error that a call may answer."""
    return sorted(Bench().errors_of(method) | OF_ANY_CALL)


def lost(name: str) -> Exception:
    """No answer, in one of the ways of a network."""
    url = "https://ssm"
    return {
        "refused": EndpointConnectionError(endpoint_url=url),
        "no connection": ConnectTimeoutError(endpoint_url=url),
        "no answer": ReadTimeoutError(endpoint_url=url),
    }[name]


def test_the_table_has_every_state_that_the_model_has(bench: Bench) -> None:
    assert bench.statuses() == ON_THE_WAY | WELL | BADLY


@pytest.mark.parametrize("status", sorted(ON_THE_WAY))
def test_one_that_runs_or_waits_for_a_human_goes_on_and_says_what_it_does(
    bench: Bench, status: str
) -> None:
    bench.world.clock.seconds_left = 1
    bench.starts()
    bench.is_now(status)
    outcome = bench.run()
    assert outcome.status == "in_progress"
    assert f"is {status}" in outcome.summary


@pytest.mark.parametrize("status", sorted(WELL))
def test_one_that_ends_well_has_succeeded(bench: Bench, status: str) -> None:
    bench.starts()
    bench.is_now(status)
    assert bench.run().status == "succeeded"


@pytest.mark.parametrize("status", sorted(BADLY))
def test_one_that_ends_otherwise_than_well_is_a_failure_with_its_reason(
    bench: Bench, status: str
) -> None:
    bench.starts()
    bench.is_now(status, FailureMessage="Step fails when it is Execute")
    with pytest.raises(RolloutFailed, match=f"ended as {status}: Step fails"):
        bench.run()


@pytest.mark.parametrize("code", of(START))
def test_every_refusal_of_a_start_has_its_name_and_a_repeat_goes_on(
    bench: Bench, code: str
) -> None:
    status, error = ERRORS[code]
    bench.refuses(START, code, status)
    with pytest.raises(error, match="said so"):
        bench.run()
    bench.starts()
    bench.is_now("Success")
    assert bench.run().status == "succeeded"


@pytest.mark.parametrize("code", of(LOOK))
def test_every_refusal_while_it_is_watched_has_its_name_and_a_repeat_finds_the_run(
    bench: Bench, code: str
) -> None:
    status, error = ERRORS[code]
    bench.starts()
    bench.refuses(LOOK, code, status)
    with pytest.raises(error, match="said so"):
        bench.run()
    bench.is_now("Success")
    assert bench.run().details["execution_id"] == ID


@pytest.mark.parametrize("code", of(LOOK))
def test_every_refusal_before_it_is_stopped_has_its_name_and_stops_nothing(
    bench: Bench, code: str
) -> None:
    status, error = ERRORS[code]
    bench.refuses(LOOK, code, status)
    with pytest.raises(error, match="said so"):
        bench.run("undo", undo=UNDO)


@pytest.mark.parametrize("code", of(STOP))
def test_every_refusal_of_a_stop_has_its_name(bench: Bench, code: str) -> None:
    status, error = ERRORS[code]
    bench.is_now("InProgress")
    bench.refuses(STOP, code, status)
    if error is AwsRejected:
        bench.is_now("InProgress")  # looked at once more: it has not ended
    with pytest.raises(error, match="said so"):
        bench.run("undo", undo=UNDO)


def test_one_that_ends_just_before_it_is_stopped_is_left_alone(bench: Bench) -> None:
    bench.is_now("InProgress")
    bench.refuses(STOP, "InvalidAutomationStatusUpdateException", 400)
    bench.is_now("Success")
    assert bench.run("undo", undo=UNDO).status == "unchanged"


@pytest.mark.parametrize("how", ["refused", "no connection", "no answer"])
@pytest.mark.parametrize("method", [START, LOOK, STOP])
def test_without_an_answer_it_is_asked_again(bench: Bench, method: str, how: str) -> None:
    if method == LOOK:
        bench.starts()
    if method == STOP:
        bench.is_now("InProgress")
    with (
        mock.patch.object(bench.client, method, side_effect=lost(how)),
        pytest.raises(AwsUnavailable, match="no answer from AWS"),
    ):
        bench.run("undo", undo=UNDO) if method == STOP else bench.run()
