"""An alert as large as one is taken in goes all the way: a state assigns 256 KiB at most."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from alert_ingest.events import ANNOTATIONS_BUDGET, LABELS_BUDGET, LINKS_BUDGET
from tests.integration.statemachine.called import escalation as called
from tests.integration.statemachine.contacts import Contacts
from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import (
    Platform,
    incident,
    resolution,
    wait_for,
)
from tests.integration.statemachine.telling import escalation, id_of

pytestmark = pytest.mark.localaws


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    """Return listeners of this test's own."""
    yield from Listener.of(platform)


def largest(runbook: str | None = None) -> dict[str, Any]:
    """Make an event with labels, annotations and links as long as alert-ingest lets them be."""

    def texts(budget: int, length: int) -> dict[str, str]:
        return {f"text{n}": "x" * (length - 20) for n in range(budget // length)}

    return incident(
        runbook,
        labels={"alertname": "CheckoutHighErrorRate", **texts(LABELS_BUDGET, 4_000)},
        annotations=texts(ANNOTATIONS_BUDGET - 5_000, 15_000),
        links={"generator": "http://x/" + "y" * (LINKS_BUDGET - 1_000)},
    )


def test_it_is_recorded_from_beginning_to_end(platform: Platform) -> None:
    event = largest()
    assert 160_000 < len(json.dumps(event)) < 200_000
    for each in (event, resolution(event)):
        execution = platform.run(each, platform.recorder_variant)
        assert execution["status"] == "SUCCEEDED", execution
    assert platform.record(id_of(event))["status"] == "resolved"


@pytest.mark.parametrize("helped", [True, False], ids=["closed", "escalated"])
def test_its_runbook_goes_on_to_the_end(platform: Platform, helped: bool) -> None:
    event = largest(platform.runbook() if helped else "none-of-this-name")
    platform.send(event)
    if not helped:
        called(platform, event, "no-runbook")
        return
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")


def abandoned(event: dict[str, Any]) -> dict[str, Any]:
    """Make what Step Functions reports of its runbook when that was stopped."""
    detail = {"executionArn": "arn:mine", "name": "e-1", "status": "ABORTED"}
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {**detail, "input": json.dumps(event)},
    }


def test_the_end_of_its_runbook_hands_it_to_a_human(platform: Platform) -> None:
    event = largest()
    platform.run(event, platform.recorder_variant)
    platform.set_record(event, status="remediating", runbook_execution="arn:mine")
    execution = platform.run(abandoned(event), platform.recorder_variant)
    assert execution["status"] == "SUCCEEDED", execution
    record = platform.record(id_of(event))
    assert (record["status"], record["escalation_code"]) == ("escalated", "runbook-abandoned")


def test_people_are_told_of_it(listener: Listener) -> None:
    event = largest()
    notifier = listener.variant(RecorderWait="1")
    for each in (event, escalation(event), resolution(event)):
        execution = listener.tell(each, notifier)
        assert execution["status"] == "SUCCEEDED", execution
    assert [mail["subject"] for mail in listener.mails()] == [
        "CRIT apps/checkout: error ratio 9.991%",
        "OK apps/checkout: over in 90 s",
    ]
    another = largest()
    execution = listener.tell(abandoned(another), notifier)
    assert execution["status"] == "SUCCEEDED", execution
    assert id_of(another) in listener.mails()[-1]["body"]


def test_the_next_contact_is_told_of_it(platform: Platform) -> None:
    contacts = Contacts(platform)
    data = largest()["detail"]["data"]
    event = contacts.call(**{key: data[key] for key in ("labels", "annotations", "links")})
    execution = platform.start(event, contacts.climber)
    contacts.told(2, 1)
    platform.sfn.stop_execution(executionArn=execution)
