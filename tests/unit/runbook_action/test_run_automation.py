"""run_automation: from the list, once, watched, and every answer of Systems Manager.

There is no Systems Manager Automation on the local AWS: these tests rest on botocore's own models
of it (``Stubber`` refuses a call or an answer that they do not know), and on what AWS documents of
the client token. What a real document does has not been run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from runbook_action.actions import REGISTRY
from runbook_action.adapters.automations import SsmAutomations
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    AwsUnavailable,
    RolloutFailed,
    TargetNotFound,
)
from runbook_action.ports import Services
from tests.unit.runbook_action.fakes import World, request

RUN = REGISTRY["run_automation"]
DOCUMENT = "Team-RestartBroker"
ID = "73c8eef8-f4ee-4a05-820c-e354fd1cdd6c"
PARAMETERS = {"document": DOCUMENT, "inputs": {"Broker": "b-1"}}
STARTED = {
    "DocumentName": DOCUMENT,
    "Parameters": {"Broker": ["b-1"]},
    "ClientToken": ANY,
}


class Bench:
    """The action on a stubbed Systems Manager."""

    def __init__(self) -> None:
        client = boto3.client(
            "ssm", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.client, self.stubs = client, Stubber(client)
        self.world = World.new()
        self.services: Services = replace(
            self.world.services, automations=SsmAutomations(client, frozenset({DOCUMENT}))
        )
        self.stubs.activate()

    def starts(self, run_id: str = ID) -> None:
        self.stubs.add_response(
            "start_automation_execution", {"AutomationExecutionId": run_id}, STARTED
        )

    def is_now(self, status: str, **more: Any) -> None:
        execution = {
            "AutomationExecutionId": ID,
            "AutomationExecutionStatus": status,
            "Outputs": {"Restart.Message": ["done " * 100] * 30},
            **more,
        }
        self.stubs.add_response(
            "get_automation_execution",
            {"AutomationExecution": execution},
            {"AutomationExecutionId": ID},
        )

    def refuses(self, method: str, code: str, status: int) -> None:
        self.stubs.add_client_error(method, code, "said so", http_status_code=status)

    def run(self, operation: str = "execute", parameters: Any = PARAMETERS, **more: Any) -> Any:
        asked = request(RUN.name, operation, parameters=parameters, **more)  # type: ignore[arg-type]
        return getattr(RUN, operation)(asked, self.services)


@pytest.fixture
def bench() -> Iterator[Bench]:
    found = Bench()
    yield found
    found.stubs.assert_no_pending_responses()


def test_a_listed_document_is_started_watched_and_its_outputs_recorded_in_bounds(
    bench: Bench,
) -> None:
    bench.starts()
    for status in ("Pending", "InProgress", "Success"):
        bench.is_now(status)
    outcome = bench.run()
    assert outcome.status == "succeeded"
    (texts,) = outcome.details["outputs"].values()
    assert (len(texts), max(map(len, texts))) == (20, 200)
    assert outcome.undo.parameters == {"execution_id": ID}


def test_a_repeat_has_the_same_token_and_another_step_another_one(bench: Bench) -> None:
    with mock.patch.object(bench.client, "start_automation_execution") as start:
        start.return_value = {"AutomationExecutionId": ID}
        for step in (1, 1, 2):
            bench.is_now("Success")
            asked = replace(request(RUN.name, parameters=PARAMETERS), step=step)
            RUN.execute(asked, bench.services)
    first, again, other = (call.kwargs["ClientToken"] for call in start.call_args_list)
    assert first == again != other
    assert len(first) == 36


def test_one_that_takes_long_goes_on(bench: Bench) -> None:
    bench.world.clock.seconds_left = 1
    bench.starts()
    bench.is_now("Waiting")
    assert bench.run().status == "in_progress"


@pytest.mark.parametrize("status", ["Failed", "TimedOut", "Cancelled", "CompletedWithFailure"])
def test_one_that_ends_otherwise_than_well_is_a_failure_with_its_reason(
    bench: Bench, status: str
) -> None:
    bench.starts()
    bench.is_now(status, FailureMessage="Step fails when it is Execute")
    with pytest.raises(RolloutFailed, match=f"ended as {status}: Step fails"):
        bench.run()


@pytest.mark.parametrize("operation", ["plan", "execute", "verify"])
def test_a_document_that_is_not_listed_is_refused(bench: Bench, operation: str) -> None:
    with pytest.raises(ActionRefused, match=r"AWS-DeleteImage is not on .*AutomationDocumentArns"):
        bench.run(operation, {"document": "AWS-DeleteImage"})


def test_where_none_is_listed_every_document_is_refused(bench: Bench) -> None:
    with pytest.raises(ActionRefused, match="it is empty"):
        RUN.execute(request(RUN.name, parameters=PARAMETERS), bench.world.services)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ExpiredTokenException", 401, AccessDenied),
        ("AccessDeniedException", 403, AccessDenied),
        ("AutomationDefinitionNotFoundException", 404, TargetNotFound),
        ("IdempotentParameterMismatch", 409, ActionRefused),
        ("InvalidAutomationExecutionParametersException", 422, ActionRefused),
        ("AutomationExecutionLimitExceededException", 429, AwsUnavailable),
        ("ThrottlingException", 400, AwsUnavailable),
        ("InternalServerError", 500, AwsUnavailable),
    ],
)
def test_every_refusal_of_systems_manager_has_its_name_and_a_repeat_goes_on(
    bench: Bench, code: str, status: int, error: type[Exception]
) -> None:
    bench.refuses("start_automation_execution", code, status)
    with pytest.raises(error, match="said so"):
        bench.run()
    bench.starts()
    bench.is_now("Success")
    assert bench.run().status == "succeeded"


def test_without_an_answer_it_is_asked_again(bench: Bench) -> None:
    lost = EndpointConnectionError(endpoint_url="https://ssm")
    with (
        mock.patch.object(bench.client, "start_automation_execution", side_effect=lost),
        pytest.raises(AwsUnavailable, match="no answer"),
    ):
        bench.run()


def test_one_that_died_while_it_watched_finds_its_run_again(bench: Bench) -> None:
    bench.starts()
    bench.refuses("get_automation_execution", "InternalServerError", 500)
    with pytest.raises(AwsUnavailable):
        bench.run()
    bench.starts()  # the token is known: the same id
    bench.is_now("Success")
    assert bench.run().details["execution_id"] == ID


def test_undo_stops_one_that_still_runs_and_leaves_one_that_has_ended(bench: Bench) -> None:
    undo = {"execution_id": ID}
    bench.is_now("InProgress")
    bench.stubs.add_response(
        "stop_automation_execution", {}, {"AutomationExecutionId": ID, "Type": "Cancel"}
    )
    assert bench.run("undo", undo=undo).status == "succeeded"
    bench.is_now("Success")
    assert bench.run("undo", undo=undo).status == "unchanged"
    assert bench.run("undo").status == "unchanged"


def test_it_has_to_be_asked_for_and_plan_starts_nothing(bench: Bench) -> None:
    assert RUN.asks
    assert "cannot be undone" in bench.run("plan").summary
    assert bench.run("verify").healthy
