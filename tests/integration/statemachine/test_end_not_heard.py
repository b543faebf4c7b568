"""No end ever comes: what helped is kept, and a human hears of it once."""

from __future__ import annotations

import copy
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.steps import done, id_of, locks

pytestmark = pytest.mark.localaws

#: From 2025 on nothing counts as quiet, so that what other tests left open stays so.
_SINCE_2025 = str(int((time.time() - 1_735_689_600) / 60))
_LENT = {"after_seconds": 1, "watch_seconds": 1}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def heard_now(event: dict[str, Any]) -> dict[str, Any]:
    """The alert, repeated by its sender at this moment."""
    again = copy.deepcopy(event)
    again["detail"]["metadata"]["received_at"] = now()
    return again


def test_what_is_healthy_and_lent_is_kept_until_the_end_is_heard_and_then_brought_back(
    platform: Platform,
) -> None:
    name = platform.runbook(restore=_LENT)
    event = incident(name, fingerprint=name)
    platform.run(event, platform.recorder_variant)
    platform.run(event)
    record = platform.record(id_of(event))
    assert (record["status"], record["escalation_code"]) == ("escalated", "end-not-heard")
    assert record["escalation_reason"].startswith("End not heard: the target is healthy, but")
    (told,) = wait_for(lambda: platform.notifications(id_of(event)), "a notification")
    assert told["reason_code"] == "end-not-heard"
    assert done(platform, event, "execute", "undo") == [("execute", 1)]
    assert locks(platform, event) == set()
    # What was taken away is left to the restorer, which waits for the end.
    platform.run(resolution(event), platform.recorder_variant)
    assert platform.record(id_of(event))["status"] == "resolved"
    wait_for(lambda: platform.record(id_of(event)).get("restoration") == "restored", "the note")
    assert done(platform, event, "undo") == [("undo", 1)]
    assert platform.notifications(id_of(event)) == []  # of what came since


def test_what_is_heard_firing_after_its_time_is_undone(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event, platform.variant(EndHeardSeconds="30"))
    wait_for(lambda: platform.calls(id_of(event), "verify"), "the time to be over")
    assert done(platform, event, "undo") == []
    platform.run(heard_now(event), platform.recorder_variant)
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    record = platform.record(id_of(event))
    assert record["escalation_code"] == "not-resolved"
    assert f"it was heard firing at {record['heard_at']}" in record["escalation_reason"]
    assert done(platform, event, "execute", "undo") == [("execute", 1), ("undo", 1)]


def test_an_end_that_is_told_late_closes_a_good_remediation(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event, platform.variant(EndHeardSeconds="30"))
    wait_for(lambda: platform.calls(id_of(event), "verify"), "the time to be over")
    platform.run(resolution(event), platform.recorder_variant)
    platform.wait_ended(execution)
    assert platform.record(id_of(event))["status"] == "resolved"
    assert done(platform, event, "undo") == []
    assert platform.notifications(id_of(event)) == []


@pytest.mark.parametrize("lent", [{}, {"restore": _LENT}], ids=["kept", "lent"])
def test_an_end_that_is_noted_while_the_target_is_looked_at_for_the_last_time_closes_it(
    platform: Platform, lent: dict[str, Any]
) -> None:
    """The recorder leaves the closing to the runbook, so a human would wait for it in vain."""
    name = platform.runbook(script={"verify": ["end-noted"]}, **lent)
    # Of its own, or what another test has left open would count as the alert that came back.
    event = incident(name, fingerprint=name)
    platform.run(event, platform.recorder_variant)
    # No time at all: the first look is the last one.
    at_once = platform.variant(
        StabilizationSeconds="0", VerifyTimeoutSeconds="0", EndHeardSeconds="0"
    )
    assert platform.run(event, at_once)["status"] == "SUCCEEDED"
    assert [name for name, _ in done(platform, event, "verify")] == ["verify"]
    record = wait_for(
        lambda: closed(platform, event, "restored" if lent else None), "the record to be closed"
    )
    assert "escalation_code" not in record
    assert done(platform, event, "execute", "undo") == [("execute", 1)] + [("undo", 1)] * len(lent)
    assert locks(platform, event) == set()
    assert platform.notifications(id_of(event)) == []


def closed(platform: Platform, event: dict[str, Any], restoration: str | None) -> dict[str, Any]:
    """The record, once it is resolved and what was lent is back."""
    record = platform.record(id_of(event))
    over = record["status"] == "resolved" and record.get("restoration") == restoration
    return record if over else {}


def test_what_nobody_speaks_of_any_more_closes_by_itself_and_says_so(platform: Platform) -> None:
    """Open or escalated; not what was repeated since, nor what a runbook works on, nor an alarm."""
    events = [incident(fingerprint=name) for name in ("open", "escalated", "repeated", "worked-on")]
    alarm = incident(fingerprint="alarm", sender="cloudwatch")  # which repeats nothing
    for event in (*events, alarm):
        event["detail"]["metadata"]["received_at"] = "2024-05-01T00:00:00.000Z"
        platform.run(event, platform.recorder_variant)
    quiet, escalated, repeated, worked_on = events
    platform.set_record(escalated, status="escalated", escalation_code="end-not-heard")
    platform.set_record(worked_on, status="remediating")
    platform.run(heard_now(repeated), platform.recorder_variant)
    closer = platform.variant("incident-closer", QuietMinutes=_SINCE_2025)
    assert json.loads(platform.run({}, closer)["output"]) == {"closed": 2}
    for event in (quiet, escalated):
        record = platform.wait_status(id_of(event), "resolved")
        assert record["ending"] == "end not heard"
        assert "mttr_seconds" not in record
        assert any("has not been repeated for" in each for each in record["warnings"])
    assert platform.record(id_of(repeated))["status"] == "open"
    assert platform.record(id_of(alarm))["status"] == "open"
    assert platform.record(id_of(worked_on))["status"] == "remediating"
    # It is heard after all, late: then it has its MTTR.
    platform.run(resolution(quiet), platform.recorder_variant)
    assert platform.record(id_of(quiet))["mttr_seconds"] == 90
    assert json.loads(platform.run({}, closer)["output"]) == {"closed": 0}
