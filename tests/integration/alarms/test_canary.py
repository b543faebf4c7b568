"""The canary on the deployed template: closed while the pipeline works, else it says what broke."""

from __future__ import annotations

import pytest

from tests.integration.alarms.platform import Deployment

pytestmark = pytest.mark.localaws


def test_with_remediation_off_the_canary_still_closes(deployment: Deployment) -> None:
    assert deployment.run_canary()["status"] == "SUCCEEDED"
    record = deployment.newest_record("PlatformCanary")
    assert (record["status"], record["escalation_code"]) == ("resolved", "switched-off")


def test_a_canary_whose_action_fails_does_not_count_as_closed(deployment: Deployment) -> None:
    """There is no cluster here, so with remediation on its probe cannot reach one."""
    with deployment.mode("on"):
        ended = deployment.run_canary()
    assert ended["status"] == "FAILED"
    # Escalated for it, or resolved where the alert's end was quicker than the failure.
    taken = deployment.newest_record("PlatformCanary")["actions_taken"]
    assert [each["M"]["status"]["S"] for each in taken] == ["failed"]
    assert "was not closed as it should be" in ended["cause"]


def test_an_unreadable_switch_is_not_taken_for_one_that_is_off(deployment: Deployment) -> None:
    name = deployment.outputs["MaintenanceParameterName"]
    ssm = deployment.aws.client("ssm")
    ssm.put_parameter(Name=name, Value="not a list", Type="String", Overwrite=True)
    try:
        ended = deployment.run_canary()
    finally:
        ssm.put_parameter(Name=name, Value="[]", Type="String", Overwrite=True)
    assert ended["status"] == "FAILED"
    assert "unreadable" in ended["cause"]


def test_it_says_when_the_webhook_refuses_its_key(deployment: Deployment) -> None:
    with deployment.canary_key_refused():
        ended = deployment.run_canary()
    assert ended["status"] == "FAILED"
    assert "States.Http.StatusCode.403" in ended["cause"]


def test_nobody_is_told_of_a_canary(deployment: Deployment) -> None:
    """Neither that it fires, nor that it is escalated, nor that it resolves."""
    assert deployment.run_canary()["status"] == "SUCCEEDED"
    assert [each for each in deployment.announcements() if "PlatformCanary" in each] == []
