"""Why evidence could not be collected is said whatever the function's last words are."""

from __future__ import annotations

import json

import pytest

from tests.support.machines import machines
from tests.support.verification import evaluated


def _said(cause: str) -> str:
    (caught,) = machines()["incident-evidence"].definition()["States"]["CollectEvidence"]["Catch"]
    states = {"errorOutput": {"Error": "Sandbox.Timedout", "Cause": cause}}
    return str(evaluated(caught["Assign"]["why_not"], states=states))


@pytest.mark.parametrize("cause", ['{"errorMessage": "cut o', "no JSON {at all}", "", "x" * 9000])
def test_a_cause_that_is_cut_off_or_no_json_costs_no_reason(cause: str) -> None:
    assert _said(cause) == f"Sandbox.Timedout: {cause[:500]}"


def test_of_a_whole_cause_the_message_is_said() -> None:
    cause = json.dumps({"errorType": "AccessDenied", "errorMessage": "no right to list pods"})
    assert _said(cause) == "Sandbox.Timedout: no right to list pods"
