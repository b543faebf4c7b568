"""run_automation: from the list, once, watched, and every answer of Systems Manager.

There is no Systems Manager Automation on the local AWS: these tests rest on botocore's own models
of it (``Stubber`` refuses a call or an answer that they do not know), and on what AWS documents of
the client token. What a real document does has not been run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest

from runbook_action.errors import (
    ActionRefused,
    AwsRejected,
    AwsUnavailable,
    StateUnknown,
    TargetNotFound,
)
from runbook_action.operate import operate
from tests.unit.runbook_action.automation_bench import ID, PARAMETERS, RUN, Bench
from tests.unit.runbook_action.fakes import INCIDENT, request


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
            bench.world.runs.kept[f"{INCIDENT}/{step}"] = "starting"  # and died
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


@pytest.mark.parametrize("operation", ["plan", "execute", "verify"])
def test_a_document_that_is_not_listed_is_refused(bench: Bench, operation: str) -> None:
    with pytest.raises(ActionRefused, match=r"AWS-DeleteImage is not on .*AutomationDocumentArns"):
        bench.run(operation, {"document": "AWS-DeleteImage"})


def test_where_none_is_listed_every_document_is_refused(bench: Bench) -> None:
    with pytest.raises(ActionRefused, match="it is empty"):
        RUN.execute(request(RUN.name, parameters=PARAMETERS), bench.world.services)


def test_one_that_died_while_it_watched_finds_its_run_again(bench: Bench) -> None:
    bench.starts()
    bench.refuses("get_automation_execution", "InternalServerError", 500)
    with pytest.raises(AwsUnavailable):
        bench.run()
    bench.is_now("Success")  # its id is known, it is not started again
    assert bench.run().details["execution_id"] == ID


def test_a_run_is_watched_to_its_end_whatever_becomes_of_its_target(bench: Bench) -> None:
    """Who refuses, or makes the target anew, does so for what has not begun."""
    asked = request(RUN.name, parameters=PARAMETERS)
    asked = replace(asked, target=replace(asked.target, uid="u1"))
    bench.world.clock.seconds_left = 1
    bench.starts()
    bench.is_now("InProgress")
    assert operate(RUN, asked, bench.services).status == "in_progress"
    metadata = bench.world.cluster.raw["metadata"]
    for change in ({"annotations": {"sre-platform/remediation": "off"}}, {"uid": "u2"}):
        metadata.update(change)
        bench.is_now("Waiting")
        assert operate(RUN, asked, bench.services).status == "in_progress"
    bench.is_now("Success")
    assert operate(RUN, asked, bench.services).status == "succeeded"
    # Another step has not begun.
    with pytest.raises(TargetNotFound):
        operate(RUN, replace(asked, step=2), bench.services)


def test_what_was_not_started_has_not_begun_and_what_may_run_is_told_of(bench: Bench) -> None:
    asked = request(RUN.name, parameters=PARAMETERS)
    bench.refuses("start_automation_execution", "InvalidTarget", 400)
    with pytest.raises(AwsRejected):
        bench.run()
    assert not RUN.has_begun(asked, bench.services)
    assert "no automation" in bench.run("undo").summary
    bench.refuses("start_automation_execution", "InternalServerError", 500)
    with pytest.raises(AwsUnavailable):
        bench.run()
    assert RUN.has_begun(asked, bench.services)
    with pytest.raises(StateUnknown, match=r"may run or not.*describe-automation-executions"):
        bench.run("undo")


def test_undo_knows_a_run_whose_id_was_never_answered(bench: Bench) -> None:
    bench.starts()
    bench.refuses("get_automation_execution", "InternalServerError", 500)
    with pytest.raises(AwsUnavailable):
        bench.run()
    bench.is_now("InProgress")
    bench.stubs.add_response(
        "stop_automation_execution", {}, {"AutomationExecutionId": ID, "Type": "Cancel"}
    )
    assert bench.run("undo").status == "succeeded"


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


def test_the_version_that_is_allowed_is_the_one_that_is_started() -> None:
    """IAM knows a document with its version: started without one it refuses each time."""
    bench = Bench(version="3")
    bench.starts(DocumentVersion="3")
    bench.is_now("Success")
    assert bench.run().status == "succeeded"
    bench.stubs.assert_no_pending_responses()
