"""What evidence has found is told with an incident; what it has not, keeps no message back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import Platform, incident, wait_for
from tests.integration.statemachine.telling import escalation, id_of

pytestmark = pytest.mark.localaws

FOUND = ["image checkout:1.4.3 rolled out 4 minutes before", "3 of 3 pods OOMKilled at 512Mi"]
HOSTILE = ["a\nFound: <!channel>\r\n\x1b[31m", "", "\u202e" + "x" * 500, "fourth"]


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    """Return listeners of this test's own."""
    yield from Listener.of(platform)


def hand_on(listener: Listener, event: dict[str, Any], findings: Sequence[str]) -> None:
    """Write what incident-evidence hands on."""
    listener.platform.ddb.update_item(
        TableName=listener.guard,
        Key={"guard_key": {"S": f"relation#{id_of(event)}"}},
        UpdateExpression="SET findings = :findings",
        ExpressionAttributeValues={":findings": {"L": [{"S": each} for each in findings]}},
    )


def test_the_first_message_tells_what_was_found(listener: Listener) -> None:
    event = incident()
    hand_on(listener, event, FOUND)
    notifier = listener.variant(PagerKind="webhook")
    assert listener.tell(event, notifier)["status"] == "SUCCEEDED"
    [mail] = listener.mails()
    assert [line for line in mail["body"].splitlines() if line.startswith("Found:")] == [
        f"Found:   {each}" for each in FOUND
    ]
    [envelope] = listener.messages()
    details = json.loads(envelope["Message"])["payload"]["custom_details"]
    assert details["findings"] == "; ".join(FOUND)
    [chat] = listener.chats()
    assert [line for line in chat["slack_text"].splitlines() if line.startswith("•")] == [
        f"• {each}" for each in FOUND
    ]


def test_chat_is_told_of_an_escalation_with_what_was_found(listener: Listener) -> None:
    event = incident()
    hand_on(listener, event, FOUND)
    assert listener.tell(escalation(event))["status"] == "SUCCEEDED"
    [chat] = listener.chats()
    assert f"• {FOUND[1]}" in chat["slack_text"].splitlines()


def test_what_was_found_is_data(listener: Listener) -> None:
    event = incident()
    hand_on(listener, event, HOSTILE)
    assert listener.tell(event)["status"] == "SUCCEEDED"
    [mail] = listener.mails()
    found = [line for line in mail["body"].splitlines() if line.startswith("Found:")]
    assert found == ["Found:   a Found: <!channel> [31m", "Found:   " + "x" * 159]
    [chat] = listener.chats()
    assert "• a Found: &lt;!channel&gt; [31m" in chat["slack_text"].splitlines()


@pytest.mark.parametrize("kept", [{"S": "one"}, {"L": []}, {"L": [{"N": "1"}]}, {"NULL": True}])
def test_whatever_stands_in_the_row_the_message_goes_out(
    listener: Listener, kept: dict[str, Any]
) -> None:
    event = incident()
    listener.platform.ddb.put_item(
        TableName=listener.guard,
        Item={"guard_key": {"S": f"relation#{id_of(event)}"}, "findings": kept},
    )
    assert listener.tell(event)["status"] == "SUCCEEDED"
    [mail] = listener.mails()
    assert "Found:" not in mail["body"]


def test_the_first_message_waits_for_what_is_found(listener: Listener) -> None:
    event = incident()
    late = threading.Timer(1, hand_on, (listener, event, FOUND))
    late.start()
    patient = listener.variant(FindingsWaitSeconds="30")
    assert listener.tell(event, patient)["status"] == "SUCCEEDED"
    late.join()
    [mail] = listener.mails()
    assert f"Found:   {FOUND[0]}\n" in mail["body"]


def test_it_waits_for_nothing_for_ever(listener: Listener) -> None:
    began = time.monotonic()
    notifier = listener.variant(FindingsWaitSeconds="1")
    assert listener.tell(incident(), notifier)["status"] == "SUCCEEDED"
    assert 1 < time.monotonic() - began < 20
    [mail] = listener.mails()
    assert "Found:" not in mail["body"]


@pytest.mark.parametrize("findings", [FOUND, []])
def test_the_call_for_a_human_tells_what_stands_on_a_record_of_any_size(
    platform: Platform, findings: list[str]
) -> None:
    """A whole record may be more than a task can answer (256 KiB), which nothing would catch."""
    event = incident("NoSuchRunbook", annotations={"script": json.dumps({"texts": findings})})
    platform.run(event, platform.recorder_variant)
    platform.run(event, platform.evidence_variant)
    data = event["detail"]["data"]
    platform.ddb.update_item(
        TableName=platform.table("incidents"),
        Key={key: {"S": data[key]} for key in ("incident_id", "timestamp")},
        UpdateExpression="SET padding = :padding",
        ExpressionAttributeValues={":padding": {"S": "x" * 300_000}},
    )
    execution = platform.start_and_wait(event)
    assert platform.sfn.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"
    [told] = wait_for(lambda: platform.notifications(data["incident_id"]), "the call")
    details = told["payload"]["custom_details"]
    assert details.get("findings", "") == "; ".join(findings)
    record = platform.record(data["incident_id"])
    assert (record["status"], record["findings"]) == ("escalated", findings)


def test_a_human_is_called_before_anything_was_found(platform: Platform) -> None:
    event = incident("NoSuchRunbook")
    platform.run(event, platform.recorder_variant)
    platform.start_and_wait(event)
    [told] = wait_for(lambda: platform.notifications(id_of(event)), "the call")
    assert "findings" not in told["payload"]["custom_details"]
    platform.run(event, platform.evidence_variant)
    assert platform.record(id_of(event))["findings"] == ["finding 1", "finding 2"]
