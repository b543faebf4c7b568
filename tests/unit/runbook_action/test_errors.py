"""The names that the state machine retries or catches by."""

from __future__ import annotations

import inspect

from runbook_action import errors
from tests.support.machines import machines


def names(base: type) -> set[str]:
    return {
        name
        for name, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, base)
        and found not in (errors.RetryableError, errors.FinalError, errors.Refusal)
        and found is not errors.RunbookActionError
    }


def test_the_names_are_the_contract() -> None:
    assert names(errors.RetryableError) == {
        "ClusterUnreachable",
        "ClusterThrottled",
        "ClusterConflict",
        "AwsUnavailable",
        "CheckUnavailable",
    }
    assert names(errors.FinalError) == {
        "InvalidRequest",
        "ActionRefused",
        "ApprovalDenied",
        "ParameterRefused",
        "TargetAmbiguous",
        "PlanChanged",
        "RefusedHalfway",
        "TargetNotFound",
        "AccessDenied",
        "AwsRejected",
        "ChangeReverted",
        "ClusterRejected",
        "NamespaceEnding",
        "ResourceMissing",
        "RolloutFailed",
        "StateUnknown",
    }


def test_what_is_an_answer_is_no_failure_of_the_function() -> None:
    """Missing rights and a cluster that rejects are: somebody has to mend the platform."""
    assert names(errors.Refusal) == {
        "ActionRefused",
        "ApprovalDenied",
        "ParameterRefused",
        "PlanChanged",
        "RefusedHalfway",
        "TargetAmbiguous",
        "TargetNotFound",
    }


def test_the_state_machine_retries_exactly_the_retryable_ones() -> None:
    invokes = [
        state
        for kind in ("incident-response-runbook", "remediation-step")
        for state in machines()[kind].definition()["States"].values()
        if state.get("Resource", "").endswith("lambda:invoke")
    ]
    assert len(invokes) == 5
    ours = names(errors.RunbookActionError)
    for state in invokes:
        retried = {name for rule in state["Retry"] for name in rule["ErrorEquals"]}
        assert retried & ours == names(errors.RetryableError)
