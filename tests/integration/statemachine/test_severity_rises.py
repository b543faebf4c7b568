"""A severity that rises within an incident: recorded, told, and a runbook may still take it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.telling import heard_as, id_of

pytestmark = pytest.mark.localaws


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    """Return listeners of this test's own."""
    yield from Listener.of(platform)


def test_the_record_has_the_worst_and_the_newest_whatever_the_order(platform: Platform) -> None:
    ends = []
    for order in itertools.permutations(range(3)):
        first = incident(severity="warning")
        events = [heard_as(first, "critical", 10), heard_as(first, "info", 20), first]
        for which in order:
            platform.run(events[which], platform.recorder_variant)
        record = platform.record(id_of(first))
        ends.append((record["severity"], record["heard_severity"], record["heard_at"]))
    assert ends == [("critical", "info", "2026-11-23T15:15:20.000Z")] * 6


def test_a_rise_is_told_and_a_fall_is_not(listener: Listener) -> None:
    event = incident(severity="warning")
    for severity in ("warning", "critical", "critical", "warning", "info"):
        assert listener.tell(heard_as(event, severity, 30))["status"] == "SUCCEEDED"
    before, rise = listener.mails()
    assert before["subject"] == "WARN apps/checkout: error ratio 9.991%"
    assert rise["subject"] == "CRIT apps/checkout: worse, error ratio 9.991%"
    assert rise["body"].startswith(f"{rise['subject']}\n")
    assert "How bad: critical, risen from warning" in rise["body"]


def test_a_rise_selects_the_runbook_of_the_new_severity_where_none_has_acted(
    platform: Platform,
) -> None:
    """It was escalated as a warning that the runbook is not for, and stays so until it is over."""
    event = incident(platform.runbook(), severity="warning")
    platform.run(event, platform.recorder_variant)
    platform.run(event)
    assert platform.record(id_of(event))["escalation_code"] == "not-eligible"
    risen = heard_as(event, "critical", 10)
    execution = platform.start(risen)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    assert platform.record(id_of(event))["status"] == "escalated"
    # Who comes again, at whatever severity, is a duplicate.
    for again in (event, risen):
        platform.run(again)
    platform.run(resolution(risen), platform.recorder_variant)
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    record = platform.record(id_of(event))
    assert (record["status"], record["runbook_execution"]) == ("resolved", execution)
    assert record["target_health"] == "scripted verify: healthy"
    assert len(platform.calls(id_of(event), "execute")) == 1


def test_an_info_that_was_for_the_record_is_remediated_when_it_rises(platform: Platform) -> None:
    event = incident(platform.runbook(), severity="info", wakes=False)
    platform.run(event, platform.recorder_variant)
    platform.run(event)
    assert platform.record(id_of(event))["status"] == "open"
    risen = heard_as(event, "critical", 10)
    execution = platform.start(risen)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    assert platform.record(id_of(event))["status"] == "remediating"
    platform.run(resolution(risen), platform.recorder_variant)
    platform.wait_ended(execution)
    assert platform.record(id_of(event))["status"] == "resolved"


def test_a_rise_while_a_runbook_has_the_incident_in_hand_starts_no_second(
    platform: Platform,
) -> None:
    """Nor after it has acted in vain: the target was acted on, and a human has it."""
    runbook = platform.runbook(
        {"execute": ["in_progress", "succeeded"], "verify": ["unhealthy"]},
        severities=["warning", "critical"],
    )
    event = incident(runbook, severity="warning")
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    risen = heard_as(event, "critical", 10)
    platform.run(risen)
    platform.wait_ended(execution)
    platform.run(risen)
    assert platform.record(id_of(event))["runbook_execution"] == execution
    assert len({str(call["step"]) for call in platform.calls(id_of(event), "execute")}) == 1
    assert len(platform.calls(id_of(event), "undo")) == 1


def test_what_was_refused_as_a_warning_is_tried_again_when_it_rises(platform: Platform) -> None:
    """The step had the locks and changed nothing, so the incident is out of hand again."""
    script = {"plan": ["ActionRefused", "planned"]}
    runbook = platform.runbook(
        script, severities=["warning", "critical"], approval={"required": True}
    )
    event = incident(runbook, severity="warning")
    platform.run(event, platform.recorder_variant)
    platform.run(event)
    assert platform.record(id_of(event))["status"] == "escalated"
    platform.start(heard_as(event, "critical", 10))
    wait_for(lambda: platform.record(id_of(event)).get("approval"), "the question")
    assert platform.record(id_of(event))["status"] == "escalated"


@pytest.mark.parametrize("readable", [True, False])
def test_who_is_asked_and_called_by_a_runbook_in_hand_is_so_for_what_has_risen(
    platform: Platform, listener: Listener, readable: bool
) -> None:
    """It was started by the warning that the incident was, and a pager goes by severity.

    Where a step cannot read what it has become it asks all the same.
    """
    runbook = platform.runbook(
        severities=["warning", "critical"], approval={"required": True, "timeout_seconds": 2}
    )
    event = incident(runbook, severity="warning")
    for each in (event, heard_as(event, "critical", 10)):
        platform.run(each, platform.recorder_variant)
    pager, escalated = listener.hear("incident.paged"), listener.hear("incident.escalated")
    actions = ("dynamodb:UpdateItem", "events:PutEvents", "sns:Publish", "lambda:InvokeFunction")
    blind = {} if readable else {"role": platform.role_that_may_only(*actions), "Patiently": "[]"}
    step = listener.variant("remediation-step", PagerKind="webhook", **blind)
    machine = listener.variant("incident-response-runbook", StepArn=step)
    assert platform.wait_ended(platform.start(event, machine))["status"] == "SUCCEEDED"
    assert platform.record(id_of(event))["escalation_code"] == "approval-timeout"
    [page] = wait_for(lambda: listener.taken_from(pager), "the page")
    told = page["detail"]["data"]
    asked = "critical" if readable else "warning"
    assert (told["key"], told["severity"]) == (f"{id_of(event)}-approval", asked)
    assert told["body"]["severity"] == asked
    [called] = wait_for(lambda: listener.taken_from(escalated), "the escalation")
    assert called["detail"]["data"]["severity"] == "critical"
    mails = [one["MessageAttributes"]["severity"]["Value"] for one in listener.messages()]
    assert mails == [asked, "critical"]


def test_who_is_called_for_a_runbook_that_was_stopped_is_so_for_what_has_risen(
    platform: Platform, listener: Listener
) -> None:
    event = incident(severity="warning")
    recorder = listener.variant("incident-recorder", GuardTable=platform.table("guard"))
    for each in (event, heard_as(event, "critical", 10)):
        platform.run(each, recorder)
    platform.set_record(event, status="remediating", runbook_execution="arn:mine")
    escalated = listener.hear("incident.escalated")
    stopped = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"executionArn": "arn:mine", "status": "ABORTED", "input": json.dumps(event)},
    }
    assert platform.run(stopped, recorder)["status"] == "SUCCEEDED"
    [called] = wait_for(lambda: listener.taken_from(escalated), "the escalation")
    assert called["detail"]["data"]["severity"] == "critical"


def test_what_a_runbook_says_of_its_end_has_the_severity_that_has_risen(
    platform: Platform, listener: Listener
) -> None:
    runbook = platform.runbook(severities=["warning", "critical"])
    event = incident(runbook, severity="warning")
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event, listener.variant("incident-response-runbook"))
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.run(heard_as(event, "critical", 10), platform.recorder_variant)
    platform.run(resolution(event), platform.recorder_variant)
    ended = platform.wait_ended(execution)
    assert platform.record(id_of(event))["status"] == "resolved"
    said = json.loads(ended["output"])["verified_end"]["data"]
    assert said["severity"] == "critical"
