"""What joined a remediation is left to nobody: once that ends, a human is called for it, too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.statemachine.called import escalation, holder
from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.telling import id_of

pytestmark = pytest.mark.localaws

#: Minutes for each step, so that whatever ends within seconds has not waited for that.
LONG = {"ActionTimeoutSeconds": "300", "VerifyTimeoutSeconds": "300", "EndHeardSeconds": "300"}


def joined(
    platform: Platform, script: dict[str, list[str]], **waits: str
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Give the one that acts, its execution, and one on the same target that has joined it."""
    runbook = platform.runbook(script, on_failure="keep")
    machine = platform.variant(**(waits or LONG))
    first, second = incident(runbook), incident(runbook, fingerprint="another")
    for event in (first, second):
        platform.run(event, platform.recorder_variant)
    execution = platform.start(first, machine)
    wait_for(lambda: holder(platform, first), "the lock")
    platform.start(second, machine)
    wait_for(lambda: platform.joined(id_of(second)), "the second to join")
    return first, execution, second


def test_whose_leader_was_taken_is_handed_to_a_human_with_by_whom(platform: Platform) -> None:
    first, execution, second = joined(platform, {"execute": ["in_progress"]})
    # As srectl take leaves it.
    platform.set_record(
        first,
        acknowledged_by="arn:ada",
        stopped_by="arn:ada",
        stopped_because="it is the\ndatabase",
        stopped_execution=execution,
    )
    platform.sfn.stop_execution(executionArn=execution)
    ended = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"executionArn": execution, "status": "ABORTED", "input": json.dumps(first)},
    }
    platform.run(ended, platform.recorder_variant)
    record = escalation(platform, second, "joined-ended")
    assert f"incident {id_of(first)}, which it had joined" in record["escalation_reason"]
    said = "was stopped by arn:ada (it is the database) and is in the hands of arn:ada"
    assert said in record["escalation_reason"]
    assert platform.calls(id_of(second), "execute") == []


def test_whose_leader_failed_is_handed_to_a_human_at_once(platform: Platform) -> None:
    script = {"execute": [*["in_progress"] * 3, "AccessDenied"]}
    first, _, second = joined(platform, script)
    platform.wait_status(id_of(first), "escalated")
    record = escalation(platform, second, "joined-ended")
    assert "was handed to a human (its repair failed)" in record["escalation_reason"]
    assert platform.calls(id_of(second), "execute") == []


def test_whose_leader_has_mended_the_target_waits_for_its_own_end(platform: Platform) -> None:
    """And after that no longer than any step is verified: the rest of the run is not waited for."""
    waits = {"ActionTimeoutSeconds": "300", "VerifyTimeoutSeconds": "6"}
    script = {"execute": [*["in_progress"] * 3, "succeeded"]}
    first, _, second = joined(platform, script, **waits)
    platform.run(resolution(first), platform.recorder_variant)
    platform.wait_status(id_of(first), "resolved")
    record = escalation(platform, second, "end-not-heard")
    assert f"had joined the remediation of incident {id_of(first)}" in record["escalation_reason"]
