"""What is one of many waits for nothing that only a message of its own would say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import Platform, incident, resolution
from tests.integration.statemachine.telling import heard_as, id_of
from tests.integration.statemachine.window_row import (
    claim,
    counted,
    is_full,
    noted,
    states,
    window,
)

pytestmark = pytest.mark.localaws

#: Long enough to be seen where it is waited for.
WAITS = {"CauseWaitSeconds": "4", "FindingsWaitSeconds": "4"}


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    """Return listeners of this test's own."""
    yield from Listener.of(platform)


@pytest.fixture
def notifier(listener: Listener) -> str:
    """Return one that announces two, and waits for causes and findings."""
    return listener.variant(FloodNotifications="2", **WAITS)


def test_where_there_is_no_room_any_more_nothing_is_waited_for(
    listener: Listener, notifier: str
) -> None:
    is_full(listener)
    event = incident()
    entered = states(listener, event, notifier)
    assert (entered["WaitForRelation"], entered["NoteHeldBack"]) == (0, 1)
    # Of two writes one is enough where the read has told what the first one would.
    assert (entered["CountNotification"], sum(entered.values())) == (0, 10)
    after = counted(listener)
    assert (after["critical#"], after["created"]) == ("3", "1")
    assert (after["held"], after["held_created_critical"]) == ("1", "1")
    assert after["alerts"] == ["CheckoutHighErrorRate on apps/checkout in sre-platform"]
    assert claim(listener, event)["told_created_critical"] == "digest"
    assert listener.running_digests() == [f"digest-{window()}"]
    # And of its end they hear as little, as soon.
    entered = states(listener, resolution(event), notifier)
    assert (entered["WaitForRelation"], entered["NoteHeldBack"]) == (0, 1)
    assert listener.messages() == listener.chats() == []


@pytest.mark.parametrize("read", [True, False], ids=["known-by-reading", "known-by-counting"])
def test_a_name_for_which_the_digest_has_no_place_is_not_tried(
    listener: Listener, read: bool
) -> None:
    names = [f"Alert{number}" for number in range(40)]
    is_full(listener, alerts={"SS": names})
    writes = ("dynamodb:UpdateItem", "states:StartExecution")
    role = "" if read else listener.platform.role_that_may_only(*writes)
    event = incident()
    entered = states(listener, event, listener.variant(role=role, FloodNotifications="2", **WAITS))
    assert (entered["CountNotification"], entered["HoldBack"]) == (0 if read else 1, 1)
    after = counted(listener)
    assert (sorted(after["alerts"]), after["held"], after["critical#"]) == (sorted(names), "1", "3")
    assert claim(listener, event)["told_created_critical"] == "digest"


def test_one_whose_place_was_taken_since_it_was_read_is_counted_without_its_name(
    listener: Listener,
) -> None:
    names = [f"Alert{number}" for number in range(40)]
    is_full(listener, alerts={"SS": names})
    hopeful = listener.variant(FloodNotifications="2", Named="function($counted) { true }", **WAITS)
    assert states(listener, incident(), hopeful)["HoldBack"] == 2
    after = counted(listener)
    assert (sorted(after["alerts"]), after["held"], after["critical#"]) == (sorted(names), "1", "3")


def test_the_last_for_which_there_is_room_waits_and_is_told(
    listener: Listener, notifier: str
) -> None:
    is_full(listener, **{"critical#": {"N": "1"}})
    assert states(listener, incident(), notifier)["WaitForRelation"] > 0
    assert len(listener.messages()) == 1


def test_the_lane_of_another_severity_is_not_full(listener: Listener) -> None:
    """Of ten, three are kept for critical alerts: seven warnings have taken the rest."""
    ten = listener.variant(FloodNotifications="10", **WAITS)
    is_full(listener, **{"other#": {"N": "7"}, "critical#": {"N": "0"}})
    assert states(listener, incident(severity="warning"), ten)["WaitForRelation"] == 0
    assert states(listener, incident(), ten)["WaitForRelation"] > 0
    assert len(listener.messages()) == 1


def test_what_hangs_on_a_known_cause_is_told_by_that_in_a_flood_too(
    listener: Listener, notifier: str
) -> None:
    is_full(listener)
    event = incident()
    noted(listener, f"relation#{id_of(event)}", caused_by="another", place="web")
    assert states(listener, event, notifier)["HoldForCause"] == 1
    assert "held" not in counted(listener)


def test_what_people_have_heard_of_and_has_become_worse_is_told_with_what_is_found(
    listener: Listener, notifier: str
) -> None:
    event = incident(severity="warning")
    is_full(listener)
    noted(listener, f"incident#{id_of(event)}", told_created_warning="another-execution")
    worse = heard_as(event, "critical", 5)
    assert states(listener, worse, notifier)["WaitForRelation"] > 0
    assert len(listener.messages()) == 1


def test_what_its_cause_lets_go_of_is_told_though_a_digest_has_counted_it(
    listener: Listener, notifier: str
) -> None:
    """Nobody had looked yet what it hangs on when there was no room for it."""
    is_full(listener)
    event = incident()
    states(listener, event, notifier)
    noted(listener, f"relation#{id_of(event)}", let_go="another", place="web")
    is_full(listener, **{"critical#": {"N": "0"}})
    # Its sender only says again that it fires.
    states(listener, event, notifier)
    assert listener.messages() == []
    after_all = {**event, "source": "sre.runbook"}
    states(listener, after_all, notifier)
    states(listener, after_all, notifier)
    assert len(listener.messages()) == len(listener.chats()) == 1
    states(listener, resolution(event), notifier)
    assert len(listener.messages()) == 1


@pytest.mark.parametrize("read", [True, False], ids=["known-by-reading", "known-by-counting"])
def test_that_a_human_was_called_for_it_makes_no_room_for_its_beginning(
    listener: Listener, read: bool
) -> None:
    """Of a flood without runbooks each incident calls, mostly before its beginning is told."""
    is_full(listener)
    event = incident()
    noted(listener, f"incident#{id_of(event)}", told_escalated_critical="another-execution")
    writes = ("dynamodb:UpdateItem", "states:StartExecution", "sns:Publish", "events:PutEvents")
    role = "" if read else listener.platform.role_that_may_only(*writes)
    entered = states(listener, event, listener.variant(role=role, FloodNotifications="2", **WAITS))
    assert (entered["WaitForRelation"], entered["NoteHeldBack"]) == (0, 1)
    assert listener.messages() == listener.chats() == []
    assert claim(listener, event)["told_created_critical"] == "digest"
    assert counted(listener)["held_created_critical"] == "1"
    # Who was called hears of the end.
    states(listener, resolution(event), listener.variant(FloodNotifications="2"))
    assert len(listener.messages()) == len(listener.chats()) == 1


def test_what_has_become_worse_since_a_human_was_called_is_told(
    listener: Listener, notifier: str
) -> None:
    event = incident(severity="warning")
    is_full(listener)
    heard = {"told_created_warning": "digest", "told_escalated_warning": "another-execution"}
    noted(listener, f"incident#{id_of(event)}", **heard)
    states(listener, heard_as(event, "critical", 5), notifier)
    assert len(listener.messages()) == 1
