"""Of what is held back in a flood nothing is told by nobody, whatever becomes of its digest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import Platform, incident
from tests.integration.statemachine.telling import id_of
from tests.integration.statemachine.window_row import claim, counted, is_full, states, window

pytestmark = pytest.mark.localaws

NAMES = [f"Alert{number}" for number in range(40)]


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    """Return listeners of this test's own."""
    yield from Listener.of(platform)


def arn_of(machine: str, name: str) -> str:
    """Give the ARN of one of a machine's executions."""
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def stopped(listener: Listener, name: str) -> None:
    """Stop a digest that waits, as somebody may who stops executions in a storm."""
    arn = arn_of(listener.digests, name)
    listener.platform.sfn.stop_execution(executionArn=arn)
    listener.platform.wait_ended(arn)


def told(listener: Listener) -> list[str]:
    return [json.loads(each["Message"])["incident_id"] for each in listener.messages()]


@pytest.mark.parametrize("names", [["Down"], NAMES], ids=["a-place", "no-place"])
@pytest.mark.parametrize("read", [True, False], ids=["known-by-reading", "known-by-counting"])
def test_nothing_is_held_back_in_a_window_that_its_digest_has_added_up(
    listener: Listener, read: bool, names: list[str]
) -> None:
    writes = ("dynamodb:UpdateItem", "states:StartExecution", "sns:Publish", "events:PutEvents")
    role = "" if read else listener.platform.role_that_may_only(*writes)
    is_full(listener, alerts={"SS": names}, added_up_by={"S": "digest"})
    event = incident()
    entered = states(listener, event, listener.variant(role=role, FloodNotifications="2"))
    assert (entered["EnsureDigest"], entered["Publish"]) == (0, 1)
    assert told(listener) == [id_of(event)]
    assert "held" not in counted(listener)
    # So its end is told, too.
    assert claim(listener, event)["told_created_critical"] != "digest"


def test_where_the_digest_was_stopped_another_tells_and_where_that_was_each_is_told(
    listener: Listener,
) -> None:
    is_full(listener)
    notifier = listener.variant(FloodNotifications="2")
    first, again = f"digest-{window()}", f"digest-{window()}-again"
    assert states(listener, incident(), notifier)["EnsureAnother"] == 0
    stopped(listener, first)
    states(listener, incident(), notifier)
    assert sorted(listener.running_digests()) == [first, again]
    running = listener.platform.sfn.describe_execution(executionArn=arn_of(listener.digests, again))
    assert json.loads(running["input"]) == {"window": window()}
    assert (counted(listener)["held"], told(listener)) == ("2", [])
    stopped(listener, again)
    last = incident()
    states(listener, last, notifier)
    assert told(listener) == [id_of(last)]


def test_what_waits_for_its_cause_past_the_digest_of_its_window_counts_in_the_next(
    listener: Listener,
) -> None:
    """Many alerts of one moment, just before a window ends; the wait is longer than the grace."""
    platform = listener.platform
    # Without the records the digest lives some seconds after it has added up.
    role = platform.role_that_may_only("dynamodb:*Item", "sns:Publish", "events:PutEvents")
    end = int(time.time()) + 5
    number = 20
    limits = {"FloodWindowSeconds": repr(end / number), "FloodNotifications": "2"}
    digest = listener.variant("incident-digest", role=role, DigestGraceSeconds="2", **limits)
    notifier = listener.variant(CauseWaitSeconds="10", DigestArn=digest, **limits)
    events = [incident() for _ in range(6)]
    # One that does not wait, so that the window has a digest.
    at_once = listener.variant(DigestArn=digest, **{**limits, "FloodNotifications": "0"})
    platform.run(incident(), at_once)
    waiting = [platform.start(event, notifier) for event in events]
    assert time.time() < end
    for execution in waiting:
        platform.wait_ended(execution)
    platform.wait_ended(arn_of(digest, f"digest-{number - 1}"))
    assert [counted(listener, each).get("held") for each in (number - 1, number)] == ["1", "4"]
    chats = listener.chats()
    assert sum(one["event"] == "incident.created" for one in chats) == 2
    [flood] = [one for one in chats if one["event"] == "incidents.flood"]
    assert ": 1 alert was not announced one by one" in flood["headline"]
    next_one = arn_of(digest, f"digest-{number}")
    assert platform.sfn.describe_execution(executionArn=next_one)["status"] == "RUNNING"
    platform.sfn.stop_execution(executionArn=next_one)
